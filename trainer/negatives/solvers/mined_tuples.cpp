#include "trainer/negatives/solvers/mined_tuples.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/where.h>

#include "trainer/negatives/kernels/tile_search.h"
#include "trainer/negatives/solvers/positive_table.h"
#include "trainer/negatives/tiles/tile_walk.h"

namespace lodestone::negatives {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A finalizer of 64-bit integers similar to splitmix64: the keys of neighbouring ids are unrelated.
at::Tensor hashed(at::Tensor x_n) {
  const auto shift_xor = [](const at::Tensor& x, int64_t bits) {
    // An arithmetic shift; the mask removes the copies of the sign.
    return x.__xor__(x.__rshift__(bits).__and__((int64_t{1} << (64 - bits)) - 1));
  };
  x_n = shift_xor(x_n, 30) * static_cast<int64_t>(0xBF58476D1CE4E5B9);
  x_n = shift_xor(x_n, 27) * static_cast<int64_t>(0x94D049BB133111EB);
  return shift_xor(x_n, 31);
}

/// The slots of the rows of the batch for which this rank searches negatives, as tables [S, n].
struct Slots {
  at::Tensor positive_Sn;  ///< number of the positive, -1 if there is none
  at::Tensor distance_Sn;  ///< float64

  int64_t count() const { return positive_Sn.size(0); }
};

Slots slots_of(AnchorWalk& walk, const miners::TripletMiner& miner, losses::Measure measure) {
  const miners::Positives slots = positives_of(
      walk, measure, [&](const miners::Positives& all) { return miner.slots(all); }, false);
  const RowSet& set = walk.rows();
  const int64_t count = slots.index_aP.size(1);
  if (slots.index_aP.size(0) == set.size())
    return {slots.index_aP.t().contiguous(), slots.distance_aP.t().contiguous()};
  // Rows of other ranks have no slots here.
  Slots all{at::full({count, set.size()}, -1, slots.index_aP.options()),
            at::full({count, set.size()}, kInfinity, slots.distance_aP.options())};
  all.positive_Sn.narrow(1, set.first, set.local).copy_(slots.index_aP.t());
  all.distance_Sn.narrow(1, set.first, set.local).copy_(slots.distance_aP.t());
  return all;
}

// Calls look(tile of candidates' distances, block, span, which end has the anchors) for this rank's tiles.
void for_each_tile(
    AnchorWalk& walk, losses::Measure measure,
    const std::function<void(const at::Tensor&, const AnchorBlock&, const TileSpan&, End)>& look) {
  walk.run([&](const AnchorBlock& e) {
    if (e.block.rows.size == 0 || e.block.references.size == 0) return;
    TileWalk tiles(e.block, measure, measure == losses::Measure::kSimilarity ? -1 : 1);
    tiles.run([&](const TileSpan& span, Worker& worker) {
      worker.exclusions().fill(worker.value(), kInfinity);
      look(worker.value(), e, span, End::kRow);
      if (span.both_sides) look(worker.value(), e, span, End::kReference);
    });
  });
}

NearestReferences nearest(AnchorWalk& walk, const miners::NearestMiner& miner, losses::Measure measure,
                          const Slots& slots) {
  miners::NearestMiner::Bounds bounds = miner.bounds(slots.distance_Sn);
  // Squared distances have the same order and need no root.
  const bool squares = measure == losses::Measure::kL2;
  if (squares)
    bounds = {at::where(bounds.beyond_aS < 0, -kInfinity, bounds.beyond_aS.square()),
              bounds.within_aS.square()};
  const auto options = walk.rows().u_nD.options();
  const at::Tensor beyond_Sn = bounds.beyond_aS.to(options.dtype()).contiguous();
  NearestReferences best(slots.count(), walk.rows().size(), options);
  for_each_tile(walk, squares ? losses::Measure::kSquaredL2 : measure,
                [&](const at::Tensor& value_rc, const AnchorBlock& e, const TileSpan& span, End end) {
                  const bool rows = end == End::kRow;
                  const int64_t first =
                      rows ? e.block.rows.first + span.row : e.block.references.first + span.reference;
                  const int64_t reference =
                      rows ? e.first_reference + span.reference : e.block.rows.first + span.row;
                  for (int64_t s = 0; s < slots.count(); ++s)
                    best.offer(s, value_rc, end, first, beyond_Sn, reference);
                });
  // The nearest negative beyond the lower bound, unless it is beyond the upper one too.
  best.reference_Sn.masked_fill_(best.value_Sn >= bounds.within_aS.to(options.dtype()), -1);
  return best;
}

NearestReferences drawn(AnchorWalk& walk, const miners::DrawingMiner& miner, losses::Measure measure,
                        const Slots& slots, const Draw& draw) {
  const RowSet& set = walk.rows();
  const MiningKeys keys = mining_keys(set.id_n, walk.reference_ids(), draw);
  NearestReferences best(slots.count(), set.size(), set.u_nD.options());
  const at::Tensor any_Sn = at::full_like(best.value_Sn, -kInfinity);
  for_each_tile(
      walk, measure, [&](const at::Tensor& value_rc, const AnchorBlock& e, const TileSpan& span, End end) {
        // A score belongs to an anchor: if the anchors are the references, the tile is transposed.
        const bool rows = end == End::kRow;
        const int64_t first =
            rows ? e.block.rows.first + span.row : e.block.references.first + span.reference;
        const int64_t reference = rows ? e.first_reference + span.reference : e.block.rows.first + span.row;
        const at::Tensor distance_rc = rows ? value_rc : value_rc.t().contiguous();
        const at::Tensor reference_key_c = keys.reference_n.narrow(0, reference, distance_rc.size(1));
        for (int64_t s = 0; s < slots.count(); ++s) {
          const at::Tensor positive_r = slots.positive_Sn.select(0, s).narrow(0, first, distance_rc.size(0));
          const miners::Candidates tile{distance_rc, keys.of(first, positive_r), reference_key_c,
                                        set.u_nD.size(1)};
          best.offer(s, miner.score(tile), End::kRow, first, any_Sn, reference);
        }
      });
  return best;
}

// Reduces the results of all ranks for the same rows to the best.
void join(const distributed::Group& scope, NearestReferences& best) {
  constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  at::Tensor value_Sn = best.value_Sn.clone();
  scope.all_reduce(value_Sn, distributed::ReduceOp::kMin);
  const at::Tensor holds_it_Sn = at::logical_and(best.reference_Sn >= 0, best.value_Sn == value_Sn);
  best.reference_Sn = at::where(holds_it_Sn, best.reference_Sn, kNone);
  scope.all_reduce(best.reference_Sn, distributed::ReduceOp::kMin);
  best.reference_Sn.masked_fill_(best.reference_Sn == kNone, -1);
}

}  // namespace

at::Tensor MiningKeys::of(int64_t anchor, const at::Tensor& positive_r) const {
  return hashed(anchor_n.narrow(0, anchor, positive_r.size(0))
                    .__xor__(reference_n.index_select(0, positive_r.clamp_min(0))));
}

MiningKeys mining_keys(const at::Tensor& anchor_id_n, const at::Tensor& reference_id_n, const Draw& draw) {
  const auto mixed =
      static_cast<int64_t>(draw.seed * 0x9E3779B97F4A7C15ull + static_cast<uint64_t>(draw.step));
  return {hashed(hashed(anchor_id_n).__xor__(hashed(at::full({1}, mixed, anchor_id_n.options())))),
          hashed(reference_id_n)};
}

miners::Tuples mine(AnchorWalk& walk, const miners::TripletMiner& miner, losses::Measure measure,
                    const Draw& draw) {
  const RowSet& set = walk.rows();
  const Slots slots = slots_of(walk, miner, measure);
  const auto* nearest_miner = miner.as_nearest();
  NearestReferences best = nearest_miner ? nearest(walk, *nearest_miner, measure, slots)
                                         : drawn(walk, *miner.as_drawing(), measure, slots, draw);
  if (walk.partial()) join(walk.scope(), best);
  const auto own = [&](const at::Tensor& x_Sn) { return x_Sn.narrow(1, set.first, set.local).t(); };
  const at::Tensor positive_bS = own(slots.positive_Sn), negative_bS = own(best.reference_Sn);
  const at::Tensor found_bS = at::logical_and(positive_bS >= 0, negative_bS >= 0);
  const at::Tensor anchor_bS = at::arange(set.first, set.first + set.local, set.label_n.options())
                                   .unsqueeze(1)
                                   .expand({-1, slots.count()});
  return {anchor_bS.index({found_bS}), positive_bS.index({found_bS}), negative_bS.index({found_bS})};
}

}  // namespace lodestone::negatives
