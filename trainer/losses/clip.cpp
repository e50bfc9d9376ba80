#include "trainer/losses/softmax_pairs.h"

namespace lodestone::losses {

namespace {

/// CLIP (Radford et al. 2021, figure 3): InfoNCE from both towers, s the similarity of an x and a y, c a
/// learned scale:
///   L = 1/2 mean_i -log( e^{c s_ii} / Σ_j e^{c s_ij} ) + 1/2 mean_j -log( e^{c s_jj} / Σ_i e^{c s_ij} ).
/// Every positive pair is seen from both ends, so this is the mean over all anchors of both towers. The scale
/// c = exp(logit_scale) starts at 1/0.07; logit_scale stays within [0, ln 100]. With several positives per
/// anchor each pair is a term of its own, and the others stay out of its denominator. Anchors without a
/// positive do not count.
class ClipLoss : public TemperatureLoss {
 public:
  ClipLoss() : TemperatureLoss(0.07, true) {}
  Pairing pairing() const override { return Pairing::kTowers; }
};

}  // namespace

std::unique_ptr<Loss> make_clip() {
  return std::make_unique<ClipLoss>();
}

}  // namespace lodestone::losses
