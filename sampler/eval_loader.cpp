#include <algorithm>

#include "common/error.h"
#include "sampler/loader.h"
#include "sampler/samplers/range_sampler.h"

namespace lodestone::sampler {

std::unique_ptr<Loader> make_eval_loader(std::shared_ptr<const Examples> examples, Shard shard, int64_t rows,
                                         LoaderConfig config) {
  config.leave_out = true;
  // The batches are those of a single shard, so that an encoder's bits do not depend on the number of ranks.
  const int64_t size = examples->dataset()->size();
  const Range batches_of_shard = share_of((size + rows - 1) / std::max<int64_t>(rows, 1), shard);
  const Range share{std::min(size, batches_of_shard.begin * rows),
                    std::min(size, batches_of_shard.end * rows)};
  auto sampler = std::make_shared<RangeSampler>(examples->dataset(), share, rows);
  // The range is already this shard's share, so the loader reads all of it.
  return std::make_unique<Loader>(std::move(examples), std::move(sampler), Shard{0, 1}, config,
                                  /*seed=*/0, Cursor{}, /*augment=*/false, batches_of_shard.size());
}

}  // namespace lodestone::sampler
