#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/yaml.h"
#include "trainer/negatives/global_batch.h"

namespace lodestone::testing {

/// A loss with settings and a miner, by name.
struct Case {
  std::string loss;
  std::string settings;  ///< YAML of the loss
  std::string miner;
  bool normalize = true;
};

inline std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.loss << " {" << c.settings << "} with " << c.miner << (c.normalize ? "" : ", not normalised");
}

/// The case made real; owns loss and miner.
struct MadeCase {
  explicit MadeCase(const Case& c) : normalize(c.normalize) {
    loss.choose(c.loss);
    miner.choose(c.miner);
    read_fields(parse_yaml(c.settings.empty() ? "" : "{" + c.settings + "}", c.loss), [&](Fields& f) { loss->visit(f); });
  }
  Objective objective() const { return {*loss, *miner, normalize}; }

  Slot<Loss> loss{loss_table(), "triplet"};
  Slot<Miner> miner{miner_table(), "all"};
  bool normalize;
};

/// Every loss with every miner that goes with it, and the settings that change the mathematics. A new row of the loss or
/// miner table joins by itself, with its defaults.
inline std::vector<Case> all_cases() {
  std::vector<Case> cases = {
      {"contrastive", "margin: 1.1, positive_margin: 0.3", "all"},
      {"contrastive", "margin: 1.2, squared: true", "all"},
      {"contrastive", "reduction: all", "all"},
      {"contrastive", "margin: 4", "all", false},
      {"triplet", "margin: 0.3, reduction: all", "all"},
      {"triplet", "soft_margin: true", "all"},
      {"triplet", "distance: squared_l2", "all"},
      {"triplet", "margin: 2, distance: squared_l2", "batch_hard", false},
      {"triplet", "swap: true", "batch_hard"},
      {"triplet", "swap: true, soft_margin: true", "semi_hard"},
      {"supcon", "temperature: 0.02", "all"},
      {"supcon", "temperature: 3", "all", false},
  };
  for (const auto& loss : loss_table())
    for (const auto& miner : miner_table()) {
      const Case c{loss.name, "", miner.name};
      if (MadeCase(c).miner->takes_all() || MadeCase(c).loss->takes_tuples()) cases.push_back(c);
    }
  return cases;
}

}  // namespace lodestone::testing
