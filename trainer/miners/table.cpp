#include "trainer/miners/miner.h"

namespace lodestone::miners {

std::unique_ptr<Miner> make_batch_hard_miner();
std::unique_ptr<Miner> make_distance_weighted_miner();
std::unique_ptr<Miner> make_easy_positive_miner();
std::unique_ptr<Miner> make_multi_similarity_miner();
std::unique_ptr<Miner> make_random_miner();
std::unique_ptr<Miner> make_semi_hard_miner();

std::span<const TableRow<Miner>> miner_table() {
  static constexpr TableRow<Miner> kRows[] = {
      {"all", "every pair or triplet of the global batch", make_row<Miner, TakeAll>},
      {"batch_hard", "each anchor's farthest positive and nearest negative", make_batch_hard_miner},
      {"semi_hard", "for each positive the nearest negative that is farther", make_semi_hard_miner},
      {"easy_positive", "each anchor's nearest positive and a hard or semi-hard negative",
       make_easy_positive_miner},
      {"distance_weighted", "for each positive a random negative, all distances equally likely",
       make_distance_weighted_miner},
      {"random", "for each positive a random negative", make_random_miner},
      {"multi_similarity",
       "pairs that are harder than the anchor's hardest pair of the other kind, or nearly",
       make_multi_similarity_miner},
  };
  return kRows;
}

}  // namespace lodestone::miners
