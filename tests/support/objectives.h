#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "common/yaml.h"
#include "trainer/negatives/global_batch.h"

namespace lodestone::testing {
using namespace losses;
using namespace miners;
using namespace negatives;

/// A loss with settings, a miner, and the options of the step.
struct Case {
  std::string loss;
  std::string settings;  ///< of the loss, as YAML
  std::string miner;
  bool normalize = true;
  bool memory = false;  ///< with a memory of past rows
  bool keys = false;    ///< the references are the rows of a momentum encoder
  bool ring = false;
};

inline std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.loss << " {" << c.settings << "} with " << c.miner
             << (c.normalize ? "" : ", not normalised") << (c.memory ? ", memory" : "")
             << (c.keys ? ", momentum keys" : "") << (c.ring ? ", ring" : "");
}

/// The loss and miner of a case.
struct MadeCase {
  explicit MadeCase(const Case& given) : c(given) {
    loss.choose(c.loss);
    miner.choose(c.miner);
    read_fields(parse_yaml(c.settings.empty() ? "" : "{" + c.settings + "}", c.loss),
                [&](Fields& f) { loss->visit(f); });
  }
  Objective objective() const { return {*loss, *miner, c.normalize, {c.ring, false}}; }
  bool towers() const { return loss->pairing() == Pairing::kTowers; }
  bool proxies() const {
    return loss->pairing() == Pairing::kProxies || loss->pairing() == Pairing::kProxyAnchors;
  }
  bool fits() const {
    try {
      objective().check({.memory = c.memory, .momentum_keys = c.keys});
      return true;
    } catch (const ConfigError&) {
      return false;
    }
  }

  Case c;
  Slot<Loss> loss{loss_table(), "triplet"};
  Slot<Miner> miner{miner_table(), "all"};
};

/// The settings of a loss that select its distance, besides the default, as YAML.
inline std::vector<std::string> other_distances(Loss& loss) {
  struct Choices : Fields {
    void field(const FieldInfo& info, FieldValue value) override {
      if (std::string(info.name) != "distance") return;
      for (const char* choice : info.choices)
        if (*std::get<std::string*>(value) != choice) all.push_back(std::string("distance: ") + choice);
    }
    void group(const FieldInfo&, const std::function<void(Fields&)>&) override {}
    void slot(const FieldInfo&, SlotBase&) override {}
    std::vector<std::string> all;
  } choices;
  loss.visit(choices);
  return choices.all;
}

/// Which part of the tables is covered.
enum class Range {
  /// Every loss with every miner by default settings; memory, keys and ring with the miner `all` and some
  /// others.
  kCore,
  kAll,  ///< every combination: about 400
};

/// Every loss with every miner that it allows; by every distance of the loss, and by that of rows without
/// normalisation; with a memory, momentum keys and in a ring where allowed; and with the settings that change
/// the mathematics (as far as `range` goes). New rows of the loss and miner tables are included, with their
/// defaults.
inline std::vector<Case> all_cases(Range range = Range::kCore) {
  std::vector<Case> cases = {
      {"contrastive", "margin: 1.1, positive_margin: 0.3", "all"},
      {"contrastive", "margin: 1.2, squared: true", "all"},
      {"contrastive", "reduction: all", "all"},
      {"contrastive", "distance: cosine", "all"},
      {"contrastive", "distance: cosine", "batch_hard"},
      {"contrastive", "margin: 4", "all", false},
      {"triplet", "margin: 0.3, reduction: all", "all"},
      {"triplet", "soft_margin: true", "all"},
      {"triplet", "distance: squared_l2", "all"},
      {"triplet", "margin: 2, distance: squared_l2", "batch_hard", false},
      {"triplet", "swap: true", "batch_hard"},
      {"triplet", "swap: true, soft_margin: true", "semi_hard"},
      {"triplet", "swap: true", "batch_hard", true, false, false, true},
      {"triplet", "soft_margin: true", "all", true, false, false, true},
      {"triplet", "soft_margin: true", "all", true, true, true},
      {"triplet", "", "semi_hard", true, true},
      {"triplet", "", "semi_hard", true, false, false, true},
      {"triplet", "", "batch_hard", true, false, true},
      {"margin", "", "distance_weighted", true, true, true},
      {"supcon", "temperature: 0.02", "all"},
      {"supcon", "temperature: 0.002", "all"},
      {"supcon", "temperature: 3", "all", false},
      {"supcon", "learn_temperature: true", "all"},
      {"infonce", "temperature: 0.002", "all"},
      {"infonce", "learn_temperature: true", "multi_similarity"},
  };
  for (const auto& loss : loss_table())
    for (const auto& miner : miner_table()) {
      std::vector<Case> candidates = {{loss.name, "", miner.name}};
      if (range == Range::kAll || std::string(miner.name) == "all") {
        candidates.push_back({loss.name, "", miner.name, true, false, false, true});
        candidates.push_back({loss.name, "", miner.name, true, true});
        candidates.push_back({loss.name, "", miner.name, true, true, true});
      }
      if (range == Range::kAll) {
        candidates.push_back({loss.name, "", miner.name, false});
        candidates.push_back({loss.name, "", miner.name, true, false, true});
        for (const std::string& distance : other_distances(*loss.make()))
          candidates.push_back({loss.name, distance, miner.name});
      }
      for (const Case& c : candidates)
        if (MadeCase(c).fits()) cases.push_back(c);
    }
  return cases;
}

}  // namespace lodestone::testing
