#include "sampler/samplers/sampler_config.h"

#include <algorithm>

#include "sampler/samplers/mixture_sampler.h"
#include "sampler/samplers/tuple_sampler.h"

namespace lodestone::sampler {

std::shared_ptr<const IndexSampler> make_sampler(const SamplerConfig& config,
                                                 std::shared_ptr<const Dataset> dataset,
                                                 std::vector<Tuple> tuples, int64_t global_batch,
                                                 uint64_t seed) {
  if (!tuples.empty())
    return std::make_shared<TupleSampler>(std::move(dataset), std::move(tuples), global_batch, seed);
  if (has_weights(*dataset) && !config->applies_weights())
    throw ConfigError("sampler.name: expected " + samplers_with(&SamplerFactory::applies_weights) +
                      " with mixture_weights, got '" + config.name() +
                      "', which does not draw by weight; choose one of them, or leave mixture_weights out");
  return config->make(std::move(dataset), global_batch, seed);
}

std::string samplers_with(bool (SamplerFactory::*property)() const) {
  return names_that(sampler_table(), [property](const auto& row) { return ((*row.make()).*property)(); });
}

bool samples_are_labels(std::string_view sampler) {
  return std::ranges::any_of(sampler_table(), [sampler](const auto& row) {
    return sampler == row.name && row.make()->samples_are_labels();
  });
}

}  // namespace lodestone::sampler
