#include "common/error.h"
#include "sampler/loader.h"
#include "sampler/range_sampler.h"

namespace lodestone {

std::unique_ptr<Loader> make_eval_loader(std::shared_ptr<const Examples> examples, Shard shard, int64_t rows,
                                         LoaderConfig config) {
  // A stand-in of the same class would be its own double's nearest neighbour and flatter every figure.
  config.bad_records.on_bad_record = "fail";
  const Range share = share_of(examples->dataset()->size(), shard);
  auto sampler = std::make_shared<RangeSampler>(examples->dataset(), share, rows);
  const int64_t batches = share.size() == 0 ? 0 : sampler->batches_per_epoch();
  // The share is this shard's already, so the loader itself reads all of it.
  return std::make_unique<Loader>(std::move(examples), std::move(sampler), Shard{0, 1}, std::move(config),
                                  /*seed=*/0, Cursor{}, /*augment=*/false, batches);
}

}  // namespace lodestone
