#pragma once

#include <ostream>
#include <string>

#include "common/yaml.h"
#include "trainer/losses/loss.h"

namespace lodestone::testing {
using namespace losses;

/// A loss by name, with settings in YAML.
struct MadeLoss {
  MadeLoss(const std::string& name, const std::string& settings) : what(name + " {" + settings + "}") {
    slot.choose(name);
    read_fields(parse_yaml(settings.empty() ? "" : "{" + settings + "}", name),
                [&](Fields& f) { slot->visit(f); });
  }
  Loss& operator*() const { return *slot; }
  Loss* operator->() const { return &*slot; }
  const PairLoss* pair_loss() const { return dynamic_cast<const PairLoss*>(&*slot); }

  std::string what;
  Slot<Loss> slot{loss_table(), "triplet"};
};

inline std::ostream& operator<<(std::ostream& out, const MadeLoss& made) {
  return out << made.what;
}

}  // namespace lodestone::testing
