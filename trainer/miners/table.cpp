#include "trainer/miners/miner.h"

namespace lodestone {

std::unique_ptr<Miner> make_all_miner();
std::unique_ptr<Miner> make_batch_hard_miner();
std::unique_ptr<Miner> make_semi_hard_miner();

std::span<const TableRow<Miner>> miner_table() {
  static constexpr TableRow<Miner> kRows[] = {
      {"all", "every pair or triplet of the global batch", make_all_miner},
      {"batch_hard", "each anchor's farthest positive and nearest negative", make_batch_hard_miner},
      {"semi_hard", "for each positive the nearest negative that is farther", make_semi_hard_miner},
  };
  return kRows;
}

}  // namespace lodestone
