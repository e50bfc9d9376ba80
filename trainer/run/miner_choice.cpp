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
             ? "the loss's default: semi_hard for triplet, all for the others; all if the data gives tuples"
             : chosen_.doc(name);
}

void MinerChoice::choose(std::string_view name) {
  is_auto_ = name == kAuto;
  settled_ = false;
  chosen_.choose(is_auto_ ? "all" : name);
}

void MinerChoice::settle(const losses::Loss& loss, bool data_gives_tuples) {
  if (!is_auto_) return;
  // Softmax, pair and proxy losses are made for all pairs of a batch, while most of its triplets are easy.
  const bool triplets = loss.as_triplets() != nullptr;
  choose(triplets && !data_gives_tuples ? "semi_hard" : "all");
  settled_ = true;
}

std::string thrown_away(const std::string& loss_name, const losses::Loss& loss, const MinerChoice& miner) {
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
