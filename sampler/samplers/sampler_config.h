#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/fields.h"
#include "sampler/dataset.h"
#include "sampler/samplers/hard_class_sampler.h"
#include "sampler/samplers/index_sampler.h"
#include "sampler/samplers/pk_sampler.h"

namespace lodestone {

/// Selects the index sampler of a run.
struct SamplerConfig {
  std::string name = "pk";
  PkConfig pk;
  HardClassConfig hard_class;

  void visit(Fields& f);
};

/// Makes the sampler called `name`, with two exceptions: with `tuples`, a TupleSampler whatever the name;
/// with mixture weights, a MixtureSampler in place of "shuffle" and "two_views". Throws ConfigError if there
/// are weights that the sampler cannot apply.
std::shared_ptr<const IndexSampler> make_sampler(const SamplerConfig& config,
                                                 std::shared_ptr<const Dataset> dataset,
                                                 std::vector<Tuple> tuples, int64_t global_batch,
                                                 uint64_t seed);

}  // namespace lodestone
