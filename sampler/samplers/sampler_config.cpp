#include "sampler/samplers/sampler_config.h"

#include <algorithm>

#include "common/idle_keys.h"
#include "sampler/samplers/mixture_sampler.h"
#include "sampler/samplers/no_duplicates_sampler.h"
#include "sampler/samplers/shuffle_sampler.h"
#include "sampler/samplers/tuple_sampler.h"

namespace lodestone {

namespace {

constexpr const char* kDoc =
    "pk: P classes with K samples each; shuffle: every sample once; two_views: every sample twice, augmented "
    "differently; "
    "no_duplicates: every sample once, no two of one id in a batch; hard_class: like pk, of classes that lie "
    "close together";

bool is_weighted(const Dataset& dataset) {
  const std::vector<Source> sources = dataset.sources();
  return std::any_of(sources.begin(), sources.end(), [](const Source& source) { return source.weight > 0; });
}

}  // namespace

void SamplerConfig::visit(Fields& f) {
  f.field({"name", kDoc, "", {}, {}, {"pk", "shuffle", "two_views", "no_duplicates", "hard_class"}}, &name);
  const auto draws_by_class = [](const std::string& sampler) {
    return sampler == "pk" || sampler == "hard_class";
  };
  if (!draws_by_class(name))
    without_effect(f, {"samples_per_class", "allow_small_classes"},
                   "with sampler.name: " + name +
                       ", which does not draw by class; leave it out, or set sampler.name: pk");
  pk.visit(f);
  if (name != "hard_class")
    without_effect(f, {"hard_class"},
                   "with sampler.name: " + name + "; leave it out, or set sampler.name: hard_class");
  f.nested({"hard_class", "for hard_class"}, hard_class);
}

std::shared_ptr<const IndexSampler> make_sampler(const SamplerConfig& config,
                                                 std::shared_ptr<const Dataset> dataset,
                                                 std::vector<Tuple> tuples, int64_t global_batch,
                                                 uint64_t seed) {
  if (!tuples.empty())
    return std::make_shared<TupleSampler>(std::move(dataset), std::move(tuples), global_batch, seed);
  const bool weighted = is_weighted(*dataset);
  if (config.name == "shuffle" || config.name == "two_views") {
    const int64_t views = config.name == "shuffle" ? 1 : 2;
    if (weighted) return std::make_shared<MixtureSampler>(std::move(dataset), views, global_batch, seed);
    return std::make_shared<ShuffleSampler>(std::move(dataset), views, global_batch, seed);
  }
  if (weighted)
    throw ConfigError("sampler: expected shuffle or two_views with mixture_weights, got '" + config.name +
                      "', which draws by class; leave mixture_weights out");
  if (config.name == "pk")
    return std::make_shared<PkSampler>(std::move(dataset), config.pk, global_batch, seed);
  if (config.name == "no_duplicates")
    return std::make_shared<NoDuplicatesSampler>(std::move(dataset), global_batch, seed);
  if (config.name == "hard_class")
    return std::make_shared<HardClassSampler>(std::move(dataset), config.pk, config.hard_class, global_batch,
                                              seed);
  throw ConfigError("sampler: expected pk, shuffle, two_views, no_duplicates or hard_class, got '" +
                    config.name + "'");
}

}  // namespace lodestone
