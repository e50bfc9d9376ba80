#include "trainer/negatives/negative_sums.h"

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

#include "trainer/negatives/exponent.h"

namespace lodestone {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// exp(from - to), where -inf - -inf is a row that has seen nothing: 0.
at::Tensor rescale(const at::Tensor& from_n, const at::Tensor& to_n) {
  return at::exp(at::where(from_n > -kInfinity, from_n - to_n, -kInfinity));
}

void add_counts(const Relatives::Counts& counts, const Part& part, int64_t refs, bool filtered,
                NegativeSums& sums) {
  if (!filtered) sums.count_n.narrow(0, part.first, part.size).add_(refs - counts.excluded_r);
  sums.same_sample_n.narrow(0, part.first, part.size).add_(counts.same_sample_r);
}

/// Adds tiles to the sums of one side of a block.
class Side {
 public:
  Side(NegativeSums& sums, const Part& part, const PairFilter* filter, bool count_active)
      : sums_(sums), first_(part.first), filter_(filter), count_active_(count_active) {}

  // term_rc with this side's rows along dimension 0, and 0 at pairs that don't count; exponentials already taken with `shift`.
  void add(int64_t row, const at::Tensor& term_rc, const at::Tensor& kept_rc, double shift) {
    const at::Tensor counted_rc = kept_rc.defined() ? term_rc * kept_rc : term_rc;
    rows(sums_.sum_n, row, term_rc.size(0)).add_(counted_rc.sum(1));
    if (sums_.kind == Sum::kLogExp) rows(sums_.shift_n, row, term_rc.size(0)).fill_(shift);
    if (count_active_) rows(sums_.active_n, row, term_rc.size(0)).add_(counted_rc.sign().sum(1));
  }

  // Each row with a shift of its own: term_rc holds f, and -inf at pairs that don't count.
  void add_with_own_shift(int64_t row, const at::Tensor& term_rc, const at::Tensor& kept_rc) {
    const at::Tensor f_rc = kept_rc.defined() ? at::where(kept_rc > 0, term_rc, -kInfinity) : term_rc;
    at::Tensor shift_r = rows(sums_.shift_n, row, f_rc.size(0)), sum_r = rows(sums_.sum_n, row, f_rc.size(0));
    const at::Tensor new_r = at::maximum(shift_r, f_rc.amax(1).to(at::kDouble));
    const at::Tensor base_r = at::where(new_r > -kInfinity, new_r, 0).to(f_rc.scalar_type());
    sum_r.mul_(rescale(shift_r, new_r)).add_((f_rc - base_r.unsqueeze(1)).exp_().sum(1));
    shift_r.copy_(new_r);
  }

  // 1 at the negatives that the miner keeps, which are counted here; undefined without a miner.
  at::Tensor kept(int64_t row, const at::Tensor& value_rc, const Exclusions& exclusions, bool transposed) {
    if (!filter_) return {};
    const int64_t size = value_rc.size(0);
    const at::Tensor floor_r1 =
        rows(filter_->negative_floor_n, row, size).to(value_rc.scalar_type()).unsqueeze(1);
    const at::Tensor kept_rc = (value_rc * filter_->direction).sub_(floor_r1).clamp_min_(0).sign_();
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
  bool count_active_;
};

}  // namespace

NegativeSums::NegativeSums(Sum sum, const RowSet& set) : kind(sum) {
  const auto options = set.u_nD.options().dtype(at::kDouble);
  sum_n = at::zeros({set.size()}, options);
  if (kind == Sum::kLogExp) shift_n = at::full({set.size()}, -kInfinity, options);
  active_n = at::zeros({set.size()}, options);
  count_n = at::zeros({set.size()}, options);
  same_sample_n = at::zeros({set.size()}, options);
}

void NegativeSums::add(const NegativeSums& other) {
  if (kind == Sum::kLogExp) {
    const at::Tensor shift = at::maximum(shift_n, other.shift_n);
    sum_n = sum_n * rescale(shift_n, shift) + other.sum_n * rescale(other.shift_n, shift);
    shift_n = shift;
  } else {
    sum_n.add_(other.sum_n);
  }
  active_n.add_(other.active_n);
  count_n.add_(other.count_n);
  same_sample_n.add_(other.same_sample_n);
}

void NegativeSums::reduce(const Group& group) {
  if (kind == Sum::kLogExp) {
    at::Tensor shift = shift_n.clone();
    group.all_reduce(shift, ReduceOp::kMax);
    sum_n.mul_(rescale(shift_n, shift));
    shift_n = shift;
  }
  at::Tensor all = at::stack({sum_n, active_n, count_n, same_sample_n});
  group.all_reduce(all);
  sum_n = all[0];
  active_n = all[1];
  count_n = all[2];
  same_sample_n = all[3];
}

at::Tensor NegativeSums::value() const {
  return kind == Sum::kPlain ? sum_n : shift_n + at::log(sum_n);
}

void fold_negatives(const PairLoss& loss, const Block& block, NegativeSums* rows, NegativeSums* refs,
                    const PairFilter* row_filter, const PairFilter* ref_filter) {
  if (block.rows.size == 0 || block.refs.size == 0) return;
  const Affine affine = loss.affine();
  TileWalk walk(block, loss.measure(), affine.scale);
  const bool exponential = loss.negative_sum() == Sum::kLogExp, filtered = row_filter || ref_filter;
  const std::optional<double> shift = exponential ? common_shift(loss, block) : 0.0;
  // Sums of this block alone: another block may need another shift.
  NegativeSums row_sums(loss.negative_sum(), *block.rows.set), ref_sums(loss.negative_sum(), *block.refs.set);
  std::optional<Side> row_side, ref_side;
  if (rows) row_side.emplace(row_sums, block.rows, row_filter, loss.counts_active());
  if (refs) ref_side.emplace(ref_sums, block.refs, ref_filter, loss.counts_active());
  if (rows) add_counts(block.relatives->counts(), block.rows, block.refs.size, row_filter, row_sums);
  if (refs && !block.square)
    add_counts(block.exchanged_relatives->counts(), block.refs, block.rows.size, ref_filter, ref_sums);

  walk.run([&](const TileSpan& span, Worker& worker) {
    at::Tensor& value_rc = worker.value();
    const Exclusions& exclusions = worker.exclusions();
    if (affine.bias != 0) value_rc.add_(affine.bias);
    at::Tensor term_rc = filtered ? worker.scratch(0).copy_(value_rc) : value_rc;
    loss.negative_term(term_rc);
    if (exponential && shift) shifted_exp(term_rc, *shift);
    exclusions.fill(term_rc, shift ? 0 : -kInfinity);
    const auto add = [&](Side& side, int64_t first, bool transposed) {
      const auto turned = [&](const at::Tensor& x_rc) { return transposed ? x_rc.t() : x_rc; };
      const at::Tensor kept_rc = side.kept(first, turned(value_rc), exclusions, transposed);
      if (shift)
        side.add(first, turned(term_rc), kept_rc, *shift);
      else
        side.add_with_own_shift(first, turned(term_rc), kept_rc);
    };
    if (row_side) add(*row_side, span.row, false);
    std::optional<Side>& other = block.square ? row_side : ref_side;
    if (span.both_sides && other) add(*other, span.ref, true);
  });
  if (rows) rows->add(row_sums);
  if (refs && !block.square) refs->add(ref_sums);
}

void fold_nearest(const Loss& loss, const Block& block, double direction, at::Tensor* rows,
                  at::Tensor* refs) {
  if (block.rows.size == 0 || block.refs.size == 0) return;
  const Affine affine = loss.affine();
  TileWalk walk(block, loss.measure(), affine.scale);
  const auto raise = [](at::Tensor& nearest_n, int64_t first, const at::Tensor& found_r) {
    at::Tensor nearest_r = nearest_n.narrow(0, first, found_r.size(0));
    nearest_r.copy_(at::maximum(nearest_r, found_r.to(at::kDouble)));
  };
  walk.run([&](const TileSpan& span, Worker& worker) {
    at::Tensor& value_rc = worker.value();
    const Exclusions& exclusions = worker.exclusions();
    if (affine.bias != 0) value_rc.add_(affine.bias);
    if (direction != 1) value_rc.mul_(direction);
    exclusions.fill(value_rc, -kInfinity);
    if (rows) raise(*rows, block.rows.first + span.row, value_rc.amax(1));
    at::Tensor* other = block.square ? rows : refs;
    if (span.both_sides && other) raise(*other, block.refs.first + span.ref, value_rc.amax(0));
  });
}

}  // namespace lodestone
