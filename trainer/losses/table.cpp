#include "common/choices.h"
#include "trainer/losses/loss.h"

namespace lodestone::losses {

std::unique_ptr<Loss> make_arcface();
std::unique_ptr<Loss> make_circle();
std::unique_ptr<Loss> make_clip();
std::unique_ptr<Loss> make_contrastive();
std::unique_ptr<Loss> make_cosface();
std::unique_ptr<Loss> make_infonce();
std::unique_ptr<Loss> make_lifted_structure();
std::unique_ptr<Loss> make_margin();
std::unique_ptr<Loss> make_multi_similarity();
std::unique_ptr<Loss> make_n_pair();
std::unique_ptr<Loss> make_normalized_softmax();
std::unique_ptr<Loss> make_proxy_anchor();
std::unique_ptr<Loss> make_proxy_nca();
std::unique_ptr<Loss> make_siglip();
std::unique_ptr<Loss> make_supcon();
std::unique_ptr<Loss> make_triplet();

std::span<const TableRow<Loss>> loss_table() {
  static constexpr TableRow<Loss> kRows[] = {
      {"arcface", "softmax over class proxies with a margin on the angle", make_arcface},
      {"circle", "positives and negatives weighted by their distance from their optimum", make_circle},
      {"clip", "two towers: softmax over the other tower's rows, from both sides, learned temperature",
       make_clip},
      {"contrastive", "pairs: d for positives, max(0, margin - d) for negatives", make_contrastive},
      {"cosface", "softmax over class proxies with a margin on the cosine", make_cosface},
      {"infonce", "InfoNCE / NT-Xent: softmax of each positive pair against the anchor's negatives",
       make_infonce},
      {"lifted_structure", "each positive pair against all negatives of both its ends",
       make_lifted_structure},
      {"margin", "pairs on the right side of a learned distance, by a margin", make_margin},
      {"multi_similarity", "soft maxima of an anchor's positives and negatives", make_multi_similarity},
      {"n_pair", "softmax of each positive pair against the anchor's negatives, without temperature",
       make_n_pair},
      {"normalized_softmax", "softmax over class proxies with a temperature", make_normalized_softmax},
      {"proxy_anchor", "class proxies as anchors, the batch as their positives and negatives",
       make_proxy_anchor},
      {"proxy_nca", "distance to the own class's proxy against those of the others", make_proxy_nca},
      {"siglip", "two towers: binary classification of each pair, learned temperature and bias", make_siglip},
      {"supcon", "softmax over the global batch with every positive of an anchor", make_supcon},
      {"triplet", "max(0, margin + d(a,p) - d(a,n))", make_triplet},
  };
  return kRows;
}

std::string losses_that(std::span<const TableRow<Loss>> table, bool (*holds)(const Loss& loss)) {
  return names_that(table, [holds](const auto& row) { return holds(*row.make()); });
}

bool compares_rows(const Loss& loss) {
  const PairLoss* pairs = loss.as_pairs();
  return loss.pairing() == Pairing::kBatch && !(pairs && pairs->reads_reference_sums());
}

}  // namespace lodestone::losses
