#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/flat_slot.h"
#include "sampler/samplers/sampler_factory.h"

namespace lodestone::sampler {

/// Selects the index sampler of a run, a row of sampler_table(), and has its settings.
class SamplerConfig : public FlatSlot<SamplerFactory> {
 public:
  SamplerConfig() : FlatSlot(sampler_table(), "pk", "sampler.name") {}
};

/// Makes the selected sampler; with `tuples`, a TupleSampler whatever is selected.
/// Throws    ConfigError if the data have weights that the sampler cannot apply; what the sampler throws
std::shared_ptr<const IndexSampler> make_sampler(const SamplerConfig& config,
                                                 std::shared_ptr<const Dataset> dataset,
                                                 std::vector<Tuple> tuples, int64_t global_batch,
                                                 uint64_t seed);

/// The names of the samplers with this property, for messages: "shuffle or two_views".
std::string samplers_with(bool (SamplerFactory::*property)() const);

/// Whether the sampler of this name, which a checkpoint has, makes each sample a class of its own. False for
/// a name that is not in the table.
bool samples_are_labels(std::string_view sampler);

}  // namespace lodestone::sampler
