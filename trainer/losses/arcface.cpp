#include <cmath>
#include <numbers>

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/where.h>

#include "trainer/losses/softmax_pairs.h"

namespace lodestone::losses {

namespace {

constexpr double kNearOne = 1 - 1e-7;

/// ArcFace (Deng et al. 2019, eq. 3): classification by the learned proxies w of the classes, θ_z the angle
/// between the anchor and w_z, y the anchor's class, with a margin m added to the angle of the anchor's own
/// class:
///   L = mean over anchors of  -log( e^{c cos(θ_y + m)} / (e^{c cos(θ_y + m)} + Σ_{z ≠ y} e^{c cos θ_z}) ).
/// Beyond θ_y + m = π, where cos(θ + m) would rise again, the logit is c (cos θ - m sin m), as in
/// insightface. The cosine of the own class is clamped to ±(1 - 1e-7), outside of which its gradient is 0.
/// Requires normalised embeddings. Anchors whose class has no proxy do not count.
class ArcFaceLoss : public SoftmaxPairLoss {
 public:
  void visit(Fields& f) override {
    f.field({.name = "scale", .doc = "factor on cosines", .min = 1e-3}, &scale_);
    f.field({.name = "margin",
             .doc = "margin added to the angle to the sample's own class",
             .unit = "radians",
             .min = 0.0,
             .max = std::numbers::pi / 2},
            &margin_);
  }
  Pairing pairing() const override { return Pairing::kProxies; }
  Affine affine() const override { return {scale_, 0}; }

 protected:
  at::Tensor positive_logit(const at::Tensor& value) const override {
    const at::Tensor cosine = at::clamp(value / scale_, -kNearOne, kNearOne);
    const at::Tensor turned = cosine * std::cos(margin_) - at::sqrt(1 - cosine * cosine) * std::sin(margin_);
    const at::Tensor beyond = cosine - margin_ * std::sin(margin_);
    return scale_ * at::where(cosine >= -std::cos(margin_), turned, beyond);
  }

 private:
  double scale_ = 64;
  double margin_ = 0.5;
};

}  // namespace

std::unique_ptr<Loss> make_arcface() {
  return std::make_unique<ArcFaceLoss>();
}

}  // namespace lodestone::losses
