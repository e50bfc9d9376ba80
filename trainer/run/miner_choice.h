#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trainer/losses/loss.h"
#include "trainer/miners/miner.h"

namespace lodestone {

/// The miner of a run: one of the table by its name, or `auto`, which loss and data settle.
class MinerChoice : public SlotBase {
 public:
  std::vector<std::string> names() const override;
  const char* doc(std::string_view name) const override;
  const std::string& name() const override { return is_auto_ ? kAuto : chosen_.name(); }
  void choose(std::string_view name) override;
  void visit(Fields& f) override { chosen_.visit(f); }

  /// Puts the miner that the loss wants in the place of `auto`; where the data gives tuples, nothing is mined.
  void settle(const Loss& loss, bool data_gives_tuples);
  /// Was it `auto` that named the miner?
  bool settled() const { return settled_; }

  Miner& operator*() const { return *chosen_; }
  Miner* operator->() const { return &*chosen_; }

 private:
  static const std::string kAuto;

  Slot<Miner> chosen_{miner_table(), "all"};
  bool is_auto_ = true, settled_ = false;
};

/// What a miner that the user named costs a softmax loss, and what to do; empty if nothing. Softmax losses learn from all
/// negatives at once: few of them are another, weaker loss.
std::string thrown_away(const std::string& loss_name, const Loss& loss, const MinerChoice& miner);

}  // namespace lodestone
