#pragma once

#include <string>
#include <vector>

#include "distributed/group.h"

namespace lodestone::distributed {

/// Every rank's text, in rank order.
/// Ranks     collective.
/// Cost      two all_gathers.
std::vector<std::string> gather_texts(const Group& world, const std::string& text);

}  // namespace lodestone::distributed
