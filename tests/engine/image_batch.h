#pragma once

#include <ATen/TensorOperators.h>

#include "sampler/loader.h"
#include "support/batches.h"

namespace lodestone::testing {
using namespace sampler;

/// A shard's part of a global batch whose rows, of 256 numbers, are images of 16 x 16.
inline Batch image_batch(const LocalRows& all, int64_t step, Shard shard) {
  Batch batch;
  batch.cursor = {0, step};
  batch.global_rows = all.z_bD.size(0);
  batch.share = share_of(batch.global_rows, shard);
  batch.features =
      all.z_bD.narrow(0, batch.share.begin, batch.share.size()).view({batch.share.size(), 1, 16, 16});
  for (int64_t i = batch.share.begin; i < batch.share.end; ++i) {
    batch.labels.push_back(all.label_b[i].item<int64_t>());
    batch.groups.push_back(all.group_b[i].item<int64_t>());
    batch.ids.push_back(all.id_b[i].item<int64_t>());
  }
  return batch;
}

}  // namespace lodestone::testing
