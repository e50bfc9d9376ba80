#include <ATen/TensorOperators.h>

#include "trainer/losses/softmax_pairs.h"

namespace lodestone::losses {

namespace {

/// CosFace (Wang et al. 2018, eq. 4), also known as AM-softmax: classification by the learned proxies w of
/// the classes, s the cosine similarity, y the anchor's class, with a margin m taken off the similarity to
/// its own class:
///   L = mean over anchors of  -log( e^l / (e^l + Σ_{z ≠ y} e^{c s(a, w_z)}) ),  l = c (s(a, w_y) - m).
/// Anchors whose class has no proxy do not count.
class CosFaceLoss : public SoftmaxPairLoss {
 public:
  void visit(Fields& f) override {
    f.field({.name = "scale", .doc = "factor on cosines", .min = 1e-3}, &scale_);
    f.field(
        {.name = "margin", .doc = "margin subtracted from the cosine to the sample's own class", .min = 0.0},
        &margin_);
  }
  Pairing pairing() const override { return Pairing::kProxies; }
  Affine affine() const override { return {scale_, 0}; }

 protected:
  at::Tensor positive_logit(const at::Tensor& value) const override { return value - scale_ * margin_; }

 private:
  double scale_ = 64;
  double margin_ = 0.35;
};

}  // namespace

std::unique_ptr<Loss> make_cosface() {
  return std::make_unique<CosFaceLoss>();
}

}  // namespace lodestone::losses
