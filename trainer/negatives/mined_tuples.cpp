#include "trainer/negatives/mined_tuples.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/full.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/min.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "trainer/negatives/measure.h"

namespace lodestone {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A finalizer of 64-bit integers in the manner of splitmix64: keys of neighbouring ids have nothing in common.
at::Tensor hashed(at::Tensor x_n) {
  const auto shift_xor = [](const at::Tensor& x, int64_t bits) {
    // Arithmetic shift; the sign's copies are masked off.
    return x.__xor__(x.__rshift__(bits).__and__((int64_t{1} << (64 - bits)) - 1));
  };
  x_n = shift_xor(x_n, 30) * static_cast<int64_t>(0xBF58476D1CE4E5B9);
  x_n = shift_xor(x_n, 27) * static_cast<int64_t>(0x94D049BB133111EB);
  return shift_xor(x_n, 31);
}

at::Tensor distances(Measure measure, const Part& rows, const Part& refs, const PairList& pairs,
                     int64_t row) {
  const at::Tensor value_p = pair_values(measure, rows.u_nD, pairs.row_p + row, refs.u_nD, pairs.ref_p);
  return measure == Measure::kSimilarity ? -value_p : value_p;
}

// The positives of a stretch of rows as a table.
Positives table_of(const Block& block, Measure measure, int64_t row, int64_t rows) {
  const PairList pairs = block.relatives->positives(row, rows);
  const at::Tensor count_r = at::bincount(pairs.row_p, {}, rows);
  const int64_t width = rows == 0 ? 0 : count_r.max().item<int64_t>();
  const at::Tensor slot_p = at::arange(pairs.size(), pairs.row_p.options()) -
                            (count_r.cumsum(0) - count_r).index_select(0, pairs.row_p);
  const auto options = block.rows.u_nD.options();
  Positives table{at::full({rows, width}, kInfinity, options),
                  at::full({rows, width}, -1, pairs.row_p.options())};
  table.distance_aP.index_put_({pairs.row_p, slot_p},
                               distances(measure, block.rows, block.refs, pairs, row).to(options.dtype()));
  table.index_aP.index_put_({pairs.row_p, slot_p}, pairs.ref_p + block.refs.first);
  return table;
}

Positives slots_of(const Block& block, const TripletMiner& miner, Measure measure) {
  std::vector<Positives> parts;
  int64_t width = 0;
  for (const auto& [row, rows] : block.relatives->stretches()) {
    parts.push_back(miner.slots(table_of(block, measure, row, rows)));
    width = std::max(width, parts.back().index_aP.size(1));
  }
  std::vector<at::Tensor> distance, index;
  for (const auto& part : parts) {
    const int64_t pad[] = {0, width - part.index_aP.size(1)};
    distance.push_back(at::constant_pad_nd(part.distance_aP, pad, kInfinity));
    index.push_back(at::constant_pad_nd(part.index_aP, pad, -1));
  }
  return {at::cat(distance), at::cat(index)};
}

/// The best candidate of each (anchor, slot) so far.
struct Best {
  at::Tensor score_aS, index_aS;

  void offer(int64_t row, int64_t slot, const at::Tensor& score_rc, int64_t first_ref) {
    const auto [score_r, place_r] = at::min(score_rc, 1);
    at::Tensor best_r = score_aS.narrow(0, row, score_r.size(0)).select(1, slot);
    at::Tensor index_r = index_aS.narrow(0, row, score_r.size(0)).select(1, slot);
    const at::Tensor candidate_r = place_r + first_ref;
    const at::Tensor tie_r = at::logical_and(score_r == best_r, candidate_r < index_r);
    const at::Tensor better_r = at::logical_or(score_r < best_r, tie_r);
    best_r.copy_(at::where(better_r, score_r, best_r));
    index_r.copy_(at::where(better_r, candidate_r, index_r));
  }
};

}  // namespace

at::Tensor MiningKeys::of(int64_t anchor, const at::Tensor& positive_r) const {
  return hashed(
      anchor_n.narrow(0, anchor, positive_r.size(0)).__xor__(ref_n.index_select(0, positive_r.clamp_min(0))));
}

MiningKeys mining_keys(const at::Tensor& id_n, const Draw& draw) {
  const at::Tensor ref_n = hashed(id_n);
  const auto mixed =
      static_cast<int64_t>(draw.seed * 0x9E3779B97F4A7C15ull + static_cast<uint64_t>(draw.step));
  return {hashed(ref_n.__xor__(hashed(at::full({1}, mixed, id_n.options())))), ref_n};
}

Tuples mine(const RowSet& set, const TripletMiner& miner, Measure measure, const Draw& draw) {
  const auto longs = set.label_n.options();
  if (set.local == 0) return {at::zeros({0}, longs), at::zeros({0}, longs), at::zeros({0}, longs)};
  Block block;
  block.rows = {&set, set.first, set.local, set.local_rows()};
  block.refs = {&set, 0, set.size(), set.u_nD};
  block.relatives = std::make_shared<Relatives>(block.rows, block.refs, false);
  const Positives slots = slots_of(block, miner, measure);
  const int64_t width = slots.index_aP.size(1),
                scored = miner.ignores_slot() ? std::min<int64_t>(width, 1) : width;
  Best best{at::full({set.local, scored}, kInfinity, set.u_nD.options()),
            at::full({set.local, scored}, -1, longs)};
  const MiningKeys keys = mining_keys(set.id_n, draw);

  TileWalk walk(block, measure, 1);
  walk.run([&](const TileSpan& span, Worker& worker) {
    at::Tensor& value_rc = worker.value();
    const Exclusions& exclusions = worker.exclusions();
    if (measure == Measure::kSimilarity) value_rc.neg_();
    exclusions.fill(value_rc, kInfinity);
    for (int64_t s = 0; s < scored; ++s) {
      const at::Tensor key_r = keys.of(set.first + span.row, span.rows_of(slots.index_aP).select(1, s));
      const Candidates tile{value_rc, key_r, span.refs_of(keys.ref_n), set.u_nD.size(1)};
      best.offer(span.row, s, miner.score(span.rows_of(slots.distance_aP).select(1, s), tile), span.ref);
    }
  });
  const at::Tensor negative_aS = best.index_aS.expand({set.local, width});
  const at::Tensor anchor_aS =
      at::arange(set.first, set.first + set.local, longs).unsqueeze(1).expand({-1, width});
  const at::Tensor found_aS = at::logical_and(slots.index_aP >= 0, negative_aS >= 0);
  return {anchor_aS.index({found_aS}), slots.index_aP.index({found_aS}), negative_aS.index({found_aS})};
}

}  // namespace lodestone
