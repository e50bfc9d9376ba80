#include "trainer/losses/softmax_pairs.h"

namespace lodestone::losses {

namespace {

/// InfoNCE (van den Oord et al. 2018, eq. 4), NT-Xent (Chen et al. 2020, eq. 1), s the similarity, T the
/// temperature:
///   L = mean over positive pairs (a, p) of  -log( e^{s_ap/T} / (e^{s_ap/T} + Σ_{n in N(a)} e^{s_an/T}) ).
/// With several positives per anchor each pair is a term of its own, and the others stay out of its
/// denominator. Anchors without a positive do not count; a pair whose anchor has no negative counts with loss
/// 0.
class InfoNceLoss : public TemperatureLoss {
 public:
  InfoNceLoss() : TemperatureLoss(0.07, false) {}
};

}  // namespace

std::unique_ptr<Loss> make_infonce() {
  return std::make_unique<InfoNceLoss>();
}

}  // namespace lodestone::losses
