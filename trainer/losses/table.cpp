#include <ATen/ops/lt.h>
#include <ATen/ops/sub.h>

#include "trainer/losses/loss.h"

namespace lodestone {

std::unique_ptr<Loss> make_contrastive();
std::unique_ptr<Loss> make_supcon();
std::unique_ptr<Loss> make_triplet();

std::span<const TableRow<Loss>> loss_table() {
  static constexpr TableRow<Loss> kRows[] = {
      {"contrastive", "pairs: d for positives, max(0, margin - d) for negatives", make_contrastive},
      {"supcon", "softmax over the global batch with every positive of an anchor", make_supcon},
      {"triplet", "max(0, margin + d(a,p) - d(a,n))", make_triplet},
  };
  return kRows;
}

at::Tensor Tile::positive_slot() const {
  return at::sub(ref_rank, at::lt(anchor_rank, ref_rank).to(ref_rank.scalar_type()));
}

}  // namespace lodestone
