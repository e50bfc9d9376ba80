#include "sampler/sampler_config.h"

#include "sampler/shuffle_sampler.h"
#include "sampler/tuple_sampler.h"

namespace lodestone {

void SamplerConfig::visit(Fields& f) {
  f.field({"name",
           "pk: P classes with K samples each; shuffle: every sample once; two_views: every sample twice, "
           "augmented "
           "differently",
           "",
           {},
           {},
           {"pk", "shuffle", "two_views"}},
          &name);
  pk.visit(f);
}

std::shared_ptr<const IndexSampler> make_sampler(const SamplerConfig& config,
                                                 std::shared_ptr<const Dataset> dataset,
                                                 std::vector<Tuple> tuples, int64_t global_batch,
                                                 uint64_t seed) {
  if (!tuples.empty())
    return std::make_shared<TupleSampler>(std::move(dataset), std::move(tuples), global_batch, seed);
  if (config.name == "pk")
    return std::make_shared<PkSampler>(std::move(dataset), config.pk, global_batch, seed);
  if (config.name == "shuffle")
    return std::make_shared<ShuffleSampler>(std::move(dataset), 1, global_batch, seed);
  if (config.name == "two_views")
    return std::make_shared<ShuffleSampler>(std::move(dataset), 2, global_batch, seed);
  throw ConfigError("sampler: expected pk, shuffle or two_views, got '" + config.name + "'");
}

}  // namespace lodestone
