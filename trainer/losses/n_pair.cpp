#include "trainer/losses/softmax_pairs.h"

namespace lodestone::losses {

namespace {

/// Multi-class N-pair loss (Sohn 2016, without its penalty on the embeddings' length), s the dot product:
///   L = mean over positive pairs (a, p) of  log(1 + Σ_{n in N(a)} exp(s_an - s_ap)).
/// Meant for embeddings that are not normalised: there is no temperature. Anchors without a positive do not
/// count; a pair whose anchor has no negative counts with loss 0.
class NPairLoss : public SoftmaxPairLoss {
 public:
  void visit(Fields&) override {}
};

}  // namespace

std::unique_ptr<Loss> make_n_pair() {
  return std::make_unique<NPairLoss>();
}

}  // namespace lodestone::losses
