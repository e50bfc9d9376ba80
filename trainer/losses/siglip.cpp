#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/log_sigmoid.h>

#include "trainer/losses/log1p_exp.h"
#include "trainer/losses/logit_scale.h"
#include "trainer/losses/plain.h"
#include "trainer/losses/reduction.h"

namespace lodestone::losses {

namespace {

/// SigLIP (Zhai et al. 2023, algorithm 1): classifies each pair of an x and a y, by itself, as positive or
/// negative:
///   L = 1/B Σ_ij log(1 + exp(-z_ij v_ij)),  v = c s + b,  z = 1 for positives and -1 for negatives,
/// with s the similarity, c = exp(logit_scale) learned from 10 and kept within [1, 100], and b learned from
/// -10. Every pair is seen from both towers: the sums are twice Σ_ij and the count is 2 B, all anchors of
/// both towers, with or without positives.
class SigLipLoss : public PairLoss {
 public:
  void visit(Fields& f) override {
    scale_.visit(f);
    f.field({.name = "bias", .doc = "bias added to scaled similarities; if learned, its initial value"},
            &start_);
    f.field({.name = "learn_bias", .doc = "whether the bias is learned"}, &learn_bias_);
    bias_.start_at(start_);
  }
  Measure measure() const override { return Measure::kSimilarity; }
  Pairing pairing() const override { return Pairing::kTowers; }
  Affine affine() const override { return {scale_.value(), learn_bias_ ? bias_.value() : start_}; }
  std::vector<LossParameter> parameters() const override {
    std::vector<LossParameter> all = scale_.parameters();
    if (learn_bias_) all.push_back(bias_.parameter());
    return all;
  }
  std::vector<double> parameter_gradients(const Affine& gradient) const override {
    std::vector<double> all = scale_.gradients(gradient.scale);
    if (learn_bias_) all.push_back(gradient.bias);
    return all;
  }

  Sum negative_sum() const override { return Sum::kPlain; }
  void negative_term(at::Tensor& value_rc) const override { log1p_exp_(value_rc); }
  void multiply_slope(const at::Tensor& value_rc, at::Tensor& weight_rc) const override {
    multiply_sigmoid_(value_rc, weight_rc);
  }

  std::vector<Sum> positive_sums() const override { return {Sum::kPlain}; }
  at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor&, const at::Tensor&) const override {
    return log1p_exp(-value_p).unsqueeze(1);
  }
  Terms terms(const AnchorSums& sums) const override {
    const at::Tensor anchors =
        at::full_like(sums.negatives_a.sum(), static_cast<double>(sums.negatives_a.numel()));
    return mean_terms(sums.positive_ak.sum() + sums.negative_a.sum(), anchors);
  }

  at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                    const at::Tensor& negative_ac) const override {
    const at::Tensor right_a = row_sum(at::log_sigmoid(value_ac), positive_ac);
    const at::Tensor wrong_a = row_sum(at::log_sigmoid(-value_ac), negative_ac);
    return (right_a + wrong_a).sum() / -static_cast<double>(std::max<int64_t>(value_ac.size(0), 1));
  }

 private:
  LogitScale scale_{0.1, true};
  double start_ = -10;
  bool learn_bias_ = true;
  Learned bias_{"logit_bias", -10, -1e6, 1e6};
};

}  // namespace

std::unique_ptr<Loss> make_siglip() {
  return std::make_unique<SigLipLoss>();
}

}  // namespace lodestone::losses
