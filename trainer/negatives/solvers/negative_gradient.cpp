#include <limits>
#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/where.h>

#include "trainer/negatives/kernels/fused_kernels.h"
#include "trainer/negatives/kernels/measure.h"
#include "trainer/negatives/solvers/negative_sums.h"

namespace lodestone::negatives {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// One side's factor in w = factor · (f' or exp(f - shift) f'), ready for tiles.
class Weights {
 public:
  Weights(const AnchorSide& side, const Part& part, const losses::PairLoss& loss, const TermForm& form)
      : filter_(side.filter) {
    const at::ScalarType type = part.u_nD.scalar_type();
    at::Tensor factor_n = side.coefficient_n.narrow(0, part.first, part.size);
    if (loss.constant_slope()) factor_n = factor_n * *loss.constant_slope();
    if (form.exponential) {
      const at::Tensor sum_n = side.sum_n.narrow(0, part.first, part.size);
      const at::Tensor any_n = sum_n > -kInfinity;
      if (form.shift) factor_n = at::where(any_n, factor_n * at::exp(*form.shift - sum_n), 0);
      // A row without terms: exp(f - inf) is 0.
      else
        own_shift_n_ = at::where(any_n, sum_n, kInfinity).to(type);
    }
    factor_n_ = at::where(factor_n == factor_n, factor_n, 0).to(type);
    if (filter_) lower_bound_n_ = filter_->negative_lower_bound_n.narrow(0, part.first, part.size).to(type);
  }

  bool plain() const { return !filter_ && !own_shift_n_.defined(); }
  at::Tensor factor(int64_t first, int64_t size) const { return factor_n_.narrow(0, first, size); }
  // This side's weights of a tile seen with its own rows along dimension 0; `term` is exp(f - shift), f, or
  // undefined.
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
                           .sub_(lower_bound_n_.narrow(0, first, size).unsqueeze(1))
                           .clamp_min_(0)
                           .sign_();
  }

 private:
  const PairFilter* filter_;
  at::Tensor factor_n_, own_shift_n_, lower_bound_n_;
};

/// Runs pass 2 over one block.
class NegativeTileGradient {
 public:
  NegativeTileGradient(const losses::PairLoss& loss, const TermForm& form, const Block& block,
                       const AnchorSide& rows, const AnchorSide& references, bool want_weight_sum)
      : loss_(loss), form_(form), block_(block), affine_(loss.affine()), want_sum_(want_weight_sum) {
    if (rows.coefficient_n.defined()) rows_.emplace(rows, block.rows, loss, form);
    if (block.square)
      references_ = rows_;
    else if (references.coefficient_n.defined())
      references_.emplace(references, block.references, loss, form);
    plain_ = (!rows_ || rows_->plain()) && (!references_ || references_->plain());
  }

  // Returns Σ weights if it is wanted, else 0.
  double add(const TileSpan& span, Worker& worker, const at::Tensor& row_gradient_nD,
             const at::Tensor& reference_gradient_nD) const {
    double sum = 0;
    at::Tensor& weight_rc = form_.line ? line_weights(span, worker, sum) : weights(span, worker, sum);
    const losses::Measure measure = loss_.measure();
    if (measure != losses::Measure::kSimilarity) {
      at::Tensor& value_rc = worker.value();
      if (affine_.bias != 0) value_rc.sub_(affine_.bias);
      if (affine_.scale != 1) value_rc.div_(affine_.scale);
      prepare_tile_gradient(measure, value_rc, weight_rc);
    }
    const at::Tensor u_rD = span.rows_of(block_.rows.factors()),
                     v_cD = span.references_of(block_.references.factors());
    if (row_gradient_nD.defined()) {
      at::Tensor g_rD = span.rows_of(row_gradient_nD);
      add_tile_gradient(measure, weight_rc, u_rD, v_cD, g_rD);
    }
    if (span.both_sides && reference_gradient_nD.defined()) {
      at::Tensor g_cD = span.references_of(reference_gradient_nD);
      add_tile_gradient(measure, weight_rc.t(), v_cD, u_rD, g_cD);
    }
    return sum;
  }

 private:
  TileFactors factors(const TileSpan& span) const {
    return {rows_ ? rows_->factor(span.row, span.rows) : at::Tensor(),
            references_ ? references_->factor(span.reference, span.references) : at::Tensor()};
  }

  at::Tensor& line_weights(const TileSpan& span, Worker& worker, double& sum) const {
    at::Tensor& value_rc = worker.value();
    // The tile is needed once more as distances.
    at::Tensor& weight_rc = form_.stays ? value_rc : worker.scratch(1);
    if (form_.stays && worker.found()) {
      sum = weigh(value_rc, factors(span), weight_rc, want_sum_);
    } else {
      worker.exclusions().fill(loss_value(loss_, worker), form_.line->nothing());
      sum = weighed_exponentials(value_rc, form_.line->slope, form_.line->offset, factors(span), weight_rc,
                                 want_sum_);
    }
    return weight_rc;
  }

  at::Tensor& weights(const TileSpan& span, Worker& worker, double& sum) const {
    at::Tensor& value_rc = loss_value(loss_, worker);
    at::Tensor& weight_rc = worker.scratch(1);
    at::Tensor term_rc;
    if (form_.exponential) {
      term_rc = worker.scratch(0).copy_(value_rc);
      loss_.negative_term(term_rc);
      if (form_.shift) shifted_exp(term_rc, *form_.shift);
    }
    if (plain_ && term_rc.defined()) {
      weigh(term_rc, factors(span), weight_rc, false);
    } else if (plain_) {
      const TileFactors x = factors(span);
      if (x.row_r.defined() && x.reference_c.defined())
        at::add_out(weight_rc, x.row_r.unsqueeze(1), x.reference_c.unsqueeze(0));
      else
        weight_rc.copy_(x.row_r.defined() ? x.row_r.unsqueeze(1) : x.reference_c.unsqueeze(0));
    } else {
      weight_rc.zero_();
      if (rows_) weight_rc.add_(rows_->of(span.row, value_rc, term_rc));
      if (references_)
        weight_rc.t().add_(
            references_->of(span.reference, value_rc.t(), term_rc.defined() ? term_rc.t() : term_rc));
    }
    if (!loss_.constant_slope()) loss_.multiply_slope(value_rc, weight_rc);
    worker.exclusions().fill(weight_rc, 0);
    if (want_sum_) sum = weight_rc.sum().item<double>();
    return weight_rc;
  }

  const losses::PairLoss& loss_;
  const TermForm& form_;
  const Block& block_;
  losses::Affine affine_;
  bool want_sum_, plain_;
  std::optional<Weights> rows_, references_;
};

}  // namespace

double add_negative_gradient(const losses::PairLoss& loss, const TermForm& form, const Block& block,
                             const AnchorSide& rows, const AnchorSide& references,
                             const at::Tensor& row_gradient_nD, const at::Tensor& reference_gradient_nD,
                             bool want_weight_sum) {
  if (block.rows.size == 0 || block.references.size == 0) return 0;
  const NegativeTileGradient tile_gradient(loss, form, block, rows, references, want_weight_sum);
  TileWalk walk(block, loss.measure(), loss.affine().scale);
  std::vector<double> weight_sums(walk.tiles());
  walk.run([&](const TileSpan& span, Worker& worker) {
    const double sum = tile_gradient.add(span, worker, row_gradient_nD,
                                         block.square ? row_gradient_nD : reference_gradient_nD);
    // Each pair must count once over all tiles and ranks: on the diagonal, and on two ranks, it is visited
    // twice.
    const bool counted_twice = block.square ? !span.both_sides : block.mirrored;
    weight_sums[span.number] = counted_twice ? sum / 2 : sum;
  });
  return std::accumulate(weight_sums.begin(), weight_sums.end(), 0.0);
}

}  // namespace lodestone::negatives
