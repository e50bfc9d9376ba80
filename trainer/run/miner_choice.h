#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/losses/loss.h"
#include "trainer/miners/miner.h"

namespace lodestone::run {

/// The miner of a run: a miner of the table, or `auto`, which loss and data resolve.
class MinerChoice : public SlotBase {
 public:
  static const std::string kAuto;

  /// Requires  the rows outlive this object
  explicit MinerChoice(std::span<const TableRow<miners::Miner>> table) : chosen_(table, "all") {}

  std::vector<std::string> names() const override;
  const char* doc(std::string_view name) const override;
  const std::string& name() const override { return is_auto_ ? kAuto : chosen_.name(); }
  void choose(std::string_view name) override;
  void visit(Fields& f) override { chosen_.visit(f); }

  /// Replaces `auto` with the miner that suits the loss; with explicit tuples from the data, nothing is
  /// mined.
  void settle(const losses::Loss& loss, bool data_gives_tuples);
  /// Whether the miner results from `auto`.
  bool settled() const { return settled_; }

  miners::Miner& operator*() const { return *chosen_; }
  miners::Miner* operator->() const { return &*chosen_; }

 private:
  Slot<miners::Miner> chosen_;
  bool is_auto_ = true, settled_ = false;
};

/// A warning if the user chose a miner that discards most negatives of a softmax loss, with a remedy;
/// otherwise empty. Softmax losses learn from all negatives of an anchor at once, and with few of them are a
/// different, weaker loss.
std::string discarded_negatives(const std::string& loss_name, const losses::Loss& loss,
                                const MinerChoice& miner);

}  // namespace lodestone::run
