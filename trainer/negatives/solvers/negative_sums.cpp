#include "trainer/negatives/solvers/negative_sums.h"

#include <limits>
#include <optional>

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "trainer/negatives/kernels/fused_kernels.h"

namespace lodestone::negatives {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// exp(from - to); 0 for a row without terms so far, where the difference would be -inf - -inf.
at::Tensor rescale(const at::Tensor& from_n, const at::Tensor& to_n) {
  return at::exp(at::where(from_n > -kInfinity, from_n - to_n, -kInfinity));
}

void add_counts(const PairMasks::Counts& counts, const Part& part, int64_t references, bool filtered,
                NegativeSums& sums) {
  if (!filtered) sums.count_n.narrow(0, part.first, part.size).add_(references - counts.excluded_r);
  if (counts.any_same_sample) sums.same_sample_n.narrow(0, part.first, part.size).add_(counts.same_sample_r);
}

/// One side of a block, which accumulates the sums of tiles.
class Side {
 public:
  Side(NegativeSums& sums, const Part& part, const PairFilter* filter)
      : sums_(sums), first_(part.first), filter_(filter) {}

  at::Tensor sums(int64_t row, int64_t size) const { return rows(sums_.sum_n, row, size); }
  at::Tensor active(int64_t row, int64_t size) const { return rows(sums_.active_n, row, size); }

  // term_rc with this side's rows along dimension 0, and 0 at pairs that don't count; exponentials already
  // taken.
  void add_kept(int64_t row, const at::Tensor& term_rc, const at::Tensor& kept_rc, bool count_active) const {
    const at::Tensor counted_rc = kept_rc.defined() ? term_rc * kept_rc : term_rc;
    sums(row, term_rc.size(0)).add_(counted_rc.sum(1));
    if (count_active) active(row, term_rc.size(0)).add_(counted_rc.sign().sum(1));
  }

  // A separate shift for each row: term_rc holds f, and -inf at pairs that do not count.
  void add_with_own_shift(int64_t row, const at::Tensor& term_rc, const at::Tensor& kept_rc) const {
    const at::Tensor f_rc = kept_rc.defined() ? at::where(kept_rc > 0, term_rc, -kInfinity) : term_rc;
    at::Tensor shift_r = rows(sums_.shift_n, row, f_rc.size(0)), sum_r = rows(sums_.sum_n, row, f_rc.size(0));
    const at::Tensor new_r = at::maximum(shift_r, f_rc.amax(1).to(at::kDouble));
    const at::Tensor base_r = at::where(new_r > -kInfinity, new_r, 0).to(f_rc.scalar_type());
    sum_r.mul_(rescale(shift_r, new_r)).add_((f_rc - base_r.unsqueeze(1)).exp_().sum(1));
    shift_r.copy_(new_r);
  }

  // 1 at the negatives that the miner keeps; counts them. Undefined without a miner.
  at::Tensor kept(int64_t row, const at::Tensor& value_rc, const Exclusions& exclusions,
                  bool transposed) const {
    if (!filter_) return {};
    const int64_t size = value_rc.size(0);
    const at::Tensor lower_bound_r1 =
        rows(filter_->negative_lower_bound_n, row, size).to(value_rc.scalar_type()).unsqueeze(1);
    const at::Tensor kept_rc = (value_rc * filter_->direction).sub_(lower_bound_r1).clamp_min_(0).sign_();
    at::Tensor as_tile_rc = transposed ? kept_rc.t() : kept_rc;
    exclusions.fill(as_tile_rc, 0);
    rows(sums_.count_n, row, size).add_(kept_rc.sum(1));
    return kept_rc;
  }

 private:
  at::Tensor rows(const at::Tensor& x_n, int64_t row, int64_t size) const {
    return x_n.narrow(0, first_ + row, size);
  }

  NegativeSums& sums_;
  int64_t first_;
  const PairFilter* filter_;
};

// The sides that collect the sums of a tile.
TileSums targets(at::Tensor (Side::*sums)(int64_t, int64_t) const, const TileSpan& span, const Side* rows,
                 const Side* references) {
  return {rows ? (rows->*sums)(span.row, span.rows) : at::Tensor(),
          references ? (references->*sums)(span.reference, span.references) : at::Tensor()};
}

}  // namespace

NegativeSums::NegativeSums(const TermForm& form, const RowSet& set) {
  const auto options = set.u_nD.options().dtype(at::kDouble);
  all_4n = at::zeros({4, set.size()}, options);
  sum_n = all_4n.select(0, 0);
  active_n = all_4n.select(0, 1);
  count_n = all_4n.select(0, 2);
  same_sample_n = all_4n.select(0, 3);
  if (form.exponential) shift_n = at::full({set.size()}, form.shift.value_or(-kInfinity), options);
}

void NegativeSums::add(const NegativeSums& other) {
  at::Tensor other_4n = other.all_4n;
  if (shift_n.defined()) {
    const at::Tensor shift = at::maximum(shift_n, other.shift_n);
    sum_n.mul_(rescale(shift_n, shift));
    other_4n = other_4n.clone();
    other_4n.select(0, 0).mul_(rescale(other.shift_n, shift));
    shift_n = shift;
  }
  all_4n.add_(other_4n);
}

void NegativeSums::reduce(const distributed::Group& group) {
  if (shift_n.defined()) {
    at::Tensor shift = shift_n.clone();
    group.all_reduce(shift, distributed::ReduceOp::kMax);
    sum_n.mul_(rescale(shift_n, shift));
    shift_n = shift;
  }
  group.all_reduce(all_4n);
}

at::Tensor NegativeSums::value() const {
  return shift_n.defined() ? at::log(sum_n).add_(shift_n) : sum_n;
}

at::Tensor& loss_value(const losses::PairLoss& loss, Worker& worker) {
  const double bias = loss.affine().bias;
  if (bias != 0 && !worker.found()) worker.value().add_(bias);
  return worker.value();
}

void fold_negatives(const losses::PairLoss& loss, const TermForm& form, const Block& block,
                    NegativeSums* rows, NegativeSums* references, const PairFilter* row_filter,
                    const PairFilter* reference_filter) {
  if (block.rows.size == 0 || block.references.size == 0) return;
  const bool filtered = row_filter || reference_filter;
  std::optional<Side> row_side, reference_side;
  if (rows) row_side.emplace(*rows, block.rows, row_filter);
  if (references) reference_side.emplace(*references, block.references, reference_filter);
  if (rows) add_counts(block.masks->counts(), block.rows, block.references.size, row_filter, *rows);
  if (references && !block.square)
    add_counts(block.exchanged_masks->counts(), block.references, block.rows.size, reference_filter,
               *references);
  const Side* const row_target = row_side ? &*row_side : nullptr;
  const Side* const reference_target = block.square     ? row_target
                                       : reference_side ? &*reference_side
                                                        : nullptr;

  TileWalk walk(block, loss.measure(), loss.affine().scale);
  walk.run([&](const TileSpan& span, Worker& worker) {
    at::Tensor& value_rc = loss_value(loss, worker);
    const Exclusions& exclusions = worker.exclusions();
    const Side* const other = span.both_sides ? reference_target : nullptr;
    if (form.line) {
      exclusions.fill(value_rc, form.line->nothing());
      exponentials(value_rc, form.line->slope, form.line->offset,
                   form.stays || !worker.stays() ? value_rc : worker.scratch(0),
                   targets(&Side::sums, span, row_target, other));
      return;
    }
    at::Tensor& term_rc = filtered || worker.stays() ? worker.scratch(0).copy_(value_rc) : value_rc;
    loss.negative_term(term_rc);
    if (form.exponential && form.shift) shifted_exp(term_rc, *form.shift);
    exclusions.fill(term_rc, form.shift ? 0 : -kInfinity);
    if (form.shift && !filtered) {
      add_sums(term_rc, targets(&Side::sums, span, row_target, other),
               loss.counts_active() ? targets(&Side::active, span, row_target, other) : TileSums{});
      return;
    }
    const auto add = [&](const Side& side, int64_t first, bool transposed) {
      const auto turned = [&](const at::Tensor& x_rc) { return transposed ? x_rc.t() : x_rc; };
      const at::Tensor kept_rc = side.kept(first, turned(value_rc), exclusions, transposed);
      if (form.shift)
        side.add_kept(first, turned(term_rc), kept_rc, loss.counts_active());
      else
        side.add_with_own_shift(first, turned(term_rc), kept_rc);
    };
    if (row_target) add(*row_target, span.row, false);
    if (other) add(*other, span.reference, true);
  });
}

void fold_nearest(const losses::PairLoss& loss, const Block& block, double direction, at::Tensor* rows,
                  at::Tensor* references) {
  if (block.rows.size == 0 || block.references.size == 0) return;
  const auto raise = [&](at::Tensor& nearest_n, int64_t first, const at::Tensor& value_rc, int64_t along) {
    const at::Tensor found_r = direction > 0 ? value_rc.amax(along) : value_rc.amin(along).neg_();
    at::Tensor nearest_r = nearest_n.narrow(0, first, found_r.size(0));
    nearest_r.copy_(at::maximum(nearest_r, found_r.to(at::kDouble)));
  };
  TileWalk walk(block, loss.measure(), loss.affine().scale);
  walk.run([&](const TileSpan& span, Worker& worker) {
    at::Tensor& value_rc = loss_value(loss, worker);
    worker.exclusions().fill(value_rc, -direction * kInfinity);
    if (rows) raise(*rows, block.rows.first + span.row, value_rc, 1);
    at::Tensor* other = block.square ? rows : references;
    if (span.both_sides && other) raise(*other, block.references.first + span.reference, value_rc, 0);
  });
}

}  // namespace lodestone::negatives
