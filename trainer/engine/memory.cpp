#include "trainer/engine/memory.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/remainder.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include "common/keys_without_effect.h"
#include "distributed/reductions/row_shards.h"

namespace lodestone::engine {

void MemoryConfig::visit(Fields& f) {
  f.choice({.name = "kind",
            .doc = "kind of memory. none; xbm: embeddings of past batches; momentum: those of the momentum "
                   "encoder, which also "
                   "encodes the references of the batch"},
           &kind,
           {{"none", MemoryKind::kNone}, {"xbm", MemoryKind::kXbm}, {"momentum", MemoryKind::kMomentum}});
  if (!on())
    without_effect(f, {"size", "start_step", "momentum"},
                   "with memory.kind: none; leave it out, or set memory.kind: xbm or momentum");
  else if (!has_momentum_encoder())
    without_effect(f, {"momentum"}, "with memory.kind: xbm; leave it out, or set memory.kind: momentum");
  f.field({.name = "size",
           .doc = "number of rows of past batches that are kept, over all ranks",
           .unit = "rows",
           .min = 1},
          &size);
  f.field({.name = "start_step",
           .doc = "step from which the memory is filled and used, when embeddings change less",
           .unit = "steps",
           .min = 0},
          &start_step);
  f.field({.name = "momentum", .doc = "momentum: decay of the momentum encoder per step", .min = 0, .max = 1},
          &momentum);
}

Memory::Memory(distributed::Group world, c10::Device device, int64_t size, int64_t width, at::ScalarType type)
    : world_(world),
      size_(size),
      first_(size * world.rank() / world.size()),
      local_(size * (world.rank() + 1) / world.size() - first_),
      u_nD_(at::zeros({local_, width}, at::TensorOptions().device(device).dtype(type))),
      key_n4_(at::zeros({local_, 4}, at::TensorOptions().device(device).dtype(at::kLong))) {}

// The number of this rank's slots that hold a row; slots fill in ascending order.
int64_t Memory::filled() const {
  return std::clamp<int64_t>(next_ - first_, 0, local_);
}

negatives::RowSet Memory::entries() const {
  const auto column = [&](int64_t k) { return key_n4_.narrow(0, 0, filled()).select(1, k).contiguous(); };
  return negatives::shard_rows(u_nD_.narrow(0, 0, filled()), column(0), column(1), column(2));
}

void Memory::push(const negatives::RowSet& rows, int64_t step) {
  const int64_t count = rows.size(), kept = std::min(count, size_);
  const auto longs = rows.label_n.options();
  const at::Tensor row_n = at::arange(count - kept, count, longs);
  const at::Tensor slot_n = at::remainder(row_n + next_, size_) - first_;
  const at::Tensor mine_n = at::logical_and(slot_n >= 0, slot_n < local_);
  const at::Tensor my_row_n = row_n.index({mine_n}), my_slot_n = slot_n.index({mine_n});
  u_nD_.index_copy_(0, my_slot_n, rows.u_nD.index_select(0, my_row_n).to(u_nD_.scalar_type()));
  const at::Tensor key_n4 =
      at::stack({rows.label_n, rows.group_n, rows.id_n, at::full({count}, step, longs)}, 1);
  key_n4_.index_copy_(0, my_slot_n, key_n4.index_select(0, my_row_n));
  next_ += count;
}

Memory::Ages Memory::ages(int64_t step) const {
  const at::Tensor age_n = step - key_n4_.narrow(0, 0, filled()).select(1, 3).to(at::kDouble);
  at::Tensor sums = at::zeros({2}, age_n.options()), largest = at::zeros({1}, age_n.options());
  if (age_n.size(0) > 0) {
    sums[0] = age_n.sum();
    sums[1] = age_n.size(0);
    largest[0] = age_n.max();
  }
  world_.all_reduce(sums);
  world_.all_reduce(largest, distributed::ReduceOp::kMax);
  const double count = sums[1].item<double>();
  if (count == 0) return {};
  return {sums[0].item<double>() / count, largest[0].item<double>()};
}

void Memory::visit_state(StateVisitor& v) {
  const bool shared_out = world_.size() > 1;
  v.sharded("memory", "embedding", {u_nD_, first_, size_, shared_out});
  v.sharded("memory", "key", {key_n4_, first_, size_, shared_out});
  v.number("memory", "next", next_);
}

}  // namespace lodestone::engine
