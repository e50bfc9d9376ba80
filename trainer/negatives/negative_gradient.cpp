#include <limits>
#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/where.h>

#include "trainer/negatives/exponent.h"
#include "trainer/negatives/measure.h"
#include "trainer/negatives/negative_sums.h"

namespace lodestone {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// One side's factor in w = factor · (f' or exp(f - shift) f'), ready for tiles.
class Weights {
 public:
  Weights(const AnchorSide& side, const Part& part, const PairLoss& loss, std::optional<double> shift)
      : filter_(side.filter) {
    const at::ScalarType type = part.u_nD.scalar_type();
    at::Tensor factor_n = side.coefficient_n.narrow(0, part.first, part.size);
    if (loss.constant_slope()) factor_n = factor_n * *loss.constant_slope();
    if (loss.negative_sum() == Sum::kLogExp) {
      const at::Tensor sum_n = side.sum_n.narrow(0, part.first, part.size);
      const at::Tensor any_n = sum_n > -kInfinity;
      if (shift) factor_n = at::where(any_n, factor_n * at::exp(*shift - sum_n), 0);
      // A row without terms: exp(f - inf) is 0.
      else
        own_shift_n_ = at::where(any_n, sum_n, kInfinity).to(type);
    }
    factor_n_ = at::where(factor_n == factor_n, factor_n, 0).to(type);
    if (filter_) floor_n_ = filter_->negative_floor_n.narrow(0, part.first, part.size).to(type);
  }

  bool plain() const { return !filter_ && !own_shift_n_.defined(); }
  at::Tensor factor(int64_t first, int64_t size) const { return factor_n_.narrow(0, first, size); }
  // This side's weights of a tile seen with its own rows along dimension 0; `term` is exp(f - shift), f, or undefined.
  at::Tensor of(int64_t first, const at::Tensor& value_rc, const at::Tensor& term_rc) const {
    const int64_t size = value_rc.size(0);
    at::Tensor weight_rc = factor(first, size).unsqueeze(1).expand(value_rc.sizes());
    if (own_shift_n_.defined()) {
      weight_rc = weight_rc * (term_rc - own_shift_n_.narrow(0, first, size).unsqueeze(1)).exp_();
    } else if (term_rc.defined()) {
      weight_rc = weight_rc * term_rc;
    }
    if (!filter_) return weight_rc;
    return weight_rc * (value_rc * filter_->direction)
                           .sub_(floor_n_.narrow(0, first, size).unsqueeze(1))
                           .clamp_min_(0)
                           .sign_();
  }

 private:
  const PairFilter* filter_;
  at::Tensor factor_n_, own_shift_n_, floor_n_;
};

}  // namespace

double add_negative_gradient(const PairLoss& loss, const Block& block, const AnchorSide& rows,
                             const AnchorSide& refs, const at::Tensor& row_gradient_nD,
                             const at::Tensor& ref_gradient_nD, bool want_weight_sum) {
  if (block.rows.size == 0 || block.refs.size == 0) return 0;
  const Affine affine = loss.affine();
  const Measure measure = loss.measure();
  TileWalk walk(block, measure, affine.scale);
  const bool exponential = loss.negative_sum() == Sum::kLogExp;
  const std::optional<double> shift = exponential ? common_shift(loss, block) : 0.0;
  std::optional<Weights> row_weights, ref_weights;
  if (rows.coefficient_n.defined()) row_weights.emplace(rows, block.rows, loss, shift);
  if (refs.coefficient_n.defined()) ref_weights.emplace(refs, block.refs, loss, shift);
  const bool plain = (!row_weights || row_weights->plain()) && (!ref_weights || ref_weights->plain());
  // The value is read after the exponential: as the slope's argument, as a distance, or by a filter.
  const bool keeps_value = !plain || !loss.constant_slope() || measure != Measure::kSimilarity;
  const at::Tensor& row_gradient = row_gradient_nD;
  const at::Tensor& ref_gradient = block.square ? row_gradient_nD : ref_gradient_nD;
  std::vector<double> weight_sums(want_weight_sum ? walk.tiles() : 0);

  walk.run([&](const TileSpan& span, Worker& worker) {
    at::Tensor& value_rc = worker.value();
    const Exclusions& exclusions = worker.exclusions();
    if (affine.bias != 0) value_rc.add_(affine.bias);
    at::Tensor term_rc, weight_rc;
    if (exponential) {
      term_rc = keeps_value ? worker.scratch(0).copy_(value_rc) : value_rc;
      loss.negative_term(term_rc);
      if (shift) shifted_exp(term_rc, *shift);
    }
    if (plain) {
      weight_rc = worker.scratch(1);
      const at::Tensor row_factor =
          row_weights ? row_weights->factor(span.row, span.rows).unsqueeze(1) : at::Tensor();
      const at::Tensor ref_factor =
          ref_weights ? ref_weights->factor(span.ref, span.refs).unsqueeze(0) : at::Tensor();
      if (row_weights && ref_weights)
        at::add_out(weight_rc, row_factor, ref_factor);
      else
        weight_rc.copy_((row_weights ? row_factor : ref_factor).expand(value_rc.sizes()));
      if (term_rc.defined()) weight_rc.mul_(term_rc);
    } else {
      weight_rc = row_weights ? row_weights->of(span.row, value_rc, term_rc) : at::Tensor();
      if (ref_weights) {
        const at::Tensor back_rc =
            ref_weights->of(span.ref, value_rc.t(), term_rc.defined() ? term_rc.t() : term_rc).t();
        weight_rc = weight_rc.defined() ? weight_rc + back_rc : back_rc.contiguous();
      }
      weight_rc = weight_rc.contiguous();
    }
    if (!loss.constant_slope()) loss.multiply_slope(value_rc, weight_rc);
    exclusions.fill(weight_rc, 0);
    // Each pair is to count once over all tiles and ranks: on the diagonal, and on two ranks, it is met twice.
    const bool met_twice = block.square ? !span.both_sides : block.mirrored;
    if (want_weight_sum) weight_sums[span.number] = weight_rc.sum().item<double>() / (met_twice ? 2 : 1);
    if (measure != Measure::kSimilarity) {
      if (affine.bias != 0) value_rc.sub_(affine.bias);
      if (affine.scale != 1) value_rc.div_(affine.scale);
      prepare_pull(measure, value_rc, weight_rc);
    }
    const at::Tensor u_rD = span.rows_of(block.rows.u_nD), v_cD = span.refs_of(block.refs.u_nD);
    if (row_gradient.defined()) {
      at::Tensor g_rD = row_gradient.narrow(0, span.row, span.rows);
      add_pull(measure, weight_rc, u_rD, v_cD, g_rD);
    }
    if (span.both_sides && ref_gradient.defined()) {
      at::Tensor g_cD = ref_gradient.narrow(0, span.ref, span.refs);
      add_pull(measure, weight_rc.t(), v_cD, u_rD, g_cD);
    }
  });
  return std::accumulate(weight_sums.begin(), weight_sums.end(), 0.0);
}

}  // namespace lodestone
