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

/// Which index sampler makes the batches.
struct SamplerConfig {
  std::string name = "pk";
  PkConfig pk;
  HardClassConfig hard_class;

  void visit(Fields& f);
};

/// The sampler that `name` names; for a mixture with weights, a MixtureSampler in place of "shuffle" and "two_views"; or, whatever
/// the name says, a TupleSampler if `tuples` is not empty. Throws ConfigError if weights are given that the sampler cannot heed.
std::shared_ptr<const IndexSampler> make_sampler(const SamplerConfig& config,
                                                 std::shared_ptr<const Dataset> dataset,
                                                 std::vector<Tuple> tuples, int64_t global_batch,
                                                 uint64_t seed);

}  // namespace lodestone
