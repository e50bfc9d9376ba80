#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include "losses/made_loss.h"

namespace lodestone::testing {

/// Every row of the table with its defaults, and the settings that change the mathematics.
inline std::vector<MadeLoss> all_losses() {
  std::vector<MadeLoss> all;
  for (const auto& row : loss_table()) all.emplace_back(row.name, "");
  for (const auto& [name, settings] : std::initializer_list<std::pair<const char*, const char*>>{
           {"arcface", "scale: 12, margin: 1.4"},
           {"circle", "margin: 0.25, gamma: 16"},
           {"contrastive", "margin: 1.3, positive_margin: 0.4, squared: true, reduction: all"},
           {"contrastive", "distance: cosine, margin: 0.2, positive_margin: 0.7"},
           {"contrastive", "distance: cosine, squared: true"},
           {"infonce", "temperature: 0.2, learn_temperature: true"},
           {"lifted_structure", "margin: -1.5"},
           {"margin", "margin: 0.1, learn_beta: false, reduction: all"},
           {"proxy_nca", "scale: 9"},
           {"siglip", "temperature: 0.3, bias: -1"},
           {"supcon", "temperature: 0.3, learn_temperature: true"},
           {"triplet", "soft_margin: true, distance: squared_l2"}})
    all.emplace_back(name, settings);
  return all;
}

}  // namespace lodestone::testing
