#pragma once

#include <span>
#include <string>
#include <vector>

#include "distributed/group.h"

namespace lodestone::testing {
using namespace distributed;

/// One property of the collectives that holds for every backend and every world size. `body` runs on every
/// rank and throws (through require) where it finds a wrong value.
struct CollectiveCase {
  const char* name;
  void (*body)(const Group& group);
};

std::span<const CollectiveCase> collective_cases();
/// The same for what is built on them: gradient sync and the differentiable sum.
std::span<const CollectiveCase> gradient_cases();

inline std::vector<CollectiveCase> all_cases() {
  std::vector<CollectiveCase> all(collective_cases().begin(), collective_cases().end());
  all.insert(all.end(), gradient_cases().begin(), gradient_cases().end());
  return all;
}

/// Throws std::runtime_error with `what` unless `holds`: gtest's fatal assertions do not work on other
/// threads.
void require(bool holds, const std::string& what);

}  // namespace lodestone::testing
