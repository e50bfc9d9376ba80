#include "trainer/run/miner_choice.h"

namespace lodestone::run {

const std::string MinerChoice::kAuto = "auto";

std::vector<std::string> MinerChoice::names() const {
  std::vector<std::string> all = chosen_.names();
  all.insert(all.begin(), kAuto);
  return all;
}

const char* MinerChoice::doc(std::string_view name) const {
  return name == kAuto
             ? "the miner that belongs to the loss, or all if the data gives tuples; the log names it"
             : chosen_.doc(name);
}

void MinerChoice::choose(std::string_view name) {
  is_auto_ = name == kAuto;
  settled_ = false;
  chosen_.choose(is_auto_ ? "all" : name);
}

void MinerChoice::settle(const losses::Loss& loss, bool data_gives_tuples) {
  if (!is_auto_) return;
  choose(data_gives_tuples ? "all" : loss.default_miner());
  settled_ = true;
}

std::string discarded_negatives(const std::string& loss_name, const losses::Loss& loss,
                                const MinerChoice& miner) {
  const auto* pairs = loss.as_pairs();
  if (miner.settled() || pairs == nullptr || pairs->negative_sum() != losses::Sum::kLogExp) return "";
  const bool triplets = miner->as_triplets() != nullptr;
  const bool hard_pairs = miner->as_pairs() != nullptr && miner.name() != pairs->own_miner();
  if (!triplets && !hard_pairs) return "";
  return "miner " + miner.name() + ": the loss " + loss_name +
         " learns from all negatives of an anchor at once, and this miner leaves it " +
         (triplets ? "one for each positive" : "the hardest alone") +
         "; leave miner out, which takes every negative of the global batch";
}

}  // namespace lodestone::run
