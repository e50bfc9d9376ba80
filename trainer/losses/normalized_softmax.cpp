#include "trainer/losses/softmax_pairs.h"

namespace lodestone::losses {

namespace {

/// Normalised softmax (Wang et al. 2017; Zhai & Wu 2019): classification by the learned proxies w of the
/// classes, s the cosine similarity, T the temperature, y the anchor's class:
///   L = mean over anchors of  -log( e^{s(a, w_y)/T} / Σ_z e^{s(a, w_z)/T} ).
/// Anchors whose class has no proxy do not count.
class NormalizedSoftmaxLoss : public TemperatureLoss {
 public:
  NormalizedSoftmaxLoss() : TemperatureLoss(0.05, false) {}
  Pairing pairing() const override { return Pairing::kProxies; }
};

}  // namespace

std::unique_ptr<Loss> make_normalized_softmax() {
  return std::make_unique<NormalizedSoftmaxLoss>();
}

}  // namespace lodestone::losses
