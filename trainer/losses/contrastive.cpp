#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>

#include "trainer/losses/reduction.h"

namespace lodestone {

namespace {

/// Contrastive loss over pairs, d the Euclidean distance:
///   L = mean over positives of max(0, d - positive_margin) + mean over negatives of max(0, margin - d),
/// with `squared` each term squared (Hadsell, Chopra, LeCun 2006, eq. 4, without its factors of one half).
/// The means are over the active pairs of each kind, or over all pairs of each kind.
/// Row state [r,6]: for positives and then for negatives the sum, the active count and the count of all.
/// Sub-gradient 0 at d = 0 and at the margins.
class ContrastiveLoss : public Loss {
 public:
  void visit(Fields& f) override {
    f.field({"margin", "distance beyond which a negative costs nothing", "", 0.0}, &margin_);
    f.field({"positive_margin", "distance within which a positive costs nothing", "", 0.0}, &positive_margin_);
    f.field({"squared", "square each term (Hadsell's form)"}, &squared_);
    f.field(reduction_field(), &reduction_);
  }
  Measure measure() const override { return Measure::kL2; }
  bool takes_pairs() const override { return true; }
  int64_t state_width(int64_t) const override { return 6; }

  at::Tensor initial_state(int64_t rows, int64_t, const at::TensorOptions& options) const override {
    return at::zeros({rows, 6}, options);
  }

  void fold(int, const Tile& tile, at::Tensor& state_rk) const override {
    const auto [positive, negative] = excess(tile.value_rc, tile.value_rc);
    add(state_rk, 0, positive, tile.positive_rc);
    add(state_rk, 3, negative, tile.negative_rc);
  }

  Terms terms(const at::Tensor& state_rk) const override {
    const at::Tensor total_k = state_rk.sum(0);
    const int64_t count = counts_active() ? 1 : 2;
    return {{total_k[0], total_k[3]}, {total_k[count], total_k[3 + count]}, total_k[1] + total_k[4],
            total_k[2] + total_k[5]};
  }

  at::Tensor weight(const Tile& tile, const std::vector<at::Tensor>&,
                    const std::vector<double>& scale) const override {
    const auto [positive, negative] = excess(tile.value_rc, tile.value_rc);
    const at::Tensor pull = slope(positive).mul(tile.positive_rc);
    const at::Tensor push = slope(negative).mul(tile.negative_rc);
    return pull * scale[0] - push * scale[1];
  }

  Terms tuple_terms(const TupleValues& v) const override {
    const auto [positive, negative] = excess(v.positive_t, v.negative_t);
    const at::Tensor active_positives = at::mul(v.has_positive_t, positive > 0).sum();
    const at::Tensor active_negatives = at::mul(v.has_negative_t, negative > 0).sum();
    const at::Tensor positives = v.has_positive_t.sum(), negatives = v.has_negative_t.sum();
    return {{cost(positive).mul(v.has_positive_t).sum(), cost(negative).mul(v.has_negative_t).sum()},
            {counts_active() ? active_positives : positives, counts_active() ? active_negatives : negatives},
            active_positives + active_negatives, positives + negatives};
  }

  at::Tensor reference(const at::Tensor& value_BB, const at::Tensor& positive_BB,
                       const at::Tensor& negative_BB) const override {
    return combine(tuple_terms({value_BB, value_BB, {}, positive_BB, negative_BB}));
  }

 private:
  bool counts_active() const { return reduction_ == "active"; }
  // How far each pair is on the wrong side of its margin.
  std::pair<at::Tensor, at::Tensor> excess(const at::Tensor& positive, const at::Tensor& negative) const {
    return {at::clamp_min(positive - positive_margin_, 0), at::clamp_min(margin_ - negative, 0)};
  }
  at::Tensor cost(const at::Tensor& excess) const { return squared_ ? excess * excess : excess; }
  at::Tensor slope(const at::Tensor& excess) const {
    return squared_ ? 2 * excess : (excess > 0).to(excess.scalar_type());
  }
  void add(at::Tensor& state_rk, int64_t column, const at::Tensor& excess_rc, const at::Tensor& mask_rc) const {
    state_rk.select(1, column).add_(cost(excess_rc).mul(mask_rc).sum(1));
    state_rk.select(1, column + 1).add_(at::mul(mask_rc, excess_rc > 0).sum(1));
    state_rk.select(1, column + 2).add_(mask_rc.sum(1));
  }

  double margin_ = 1.0;
  double positive_margin_ = 0.0;
  bool squared_ = false;
  std::string reduction_ = "active";
};

}  // namespace

std::unique_ptr<Loss> make_contrastive() { return std::make_unique<ContrastiveLoss>(); }

}  // namespace lodestone
