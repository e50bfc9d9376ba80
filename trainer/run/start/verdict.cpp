#include "trainer/run/start/verdict.h"

#include <cstdlib>
#include <string_view>

namespace lodestone {

namespace {

constexpr std::string_view kMark = "exit code ";

}  // namespace

std::string verdict_of(int code, const std::string& reason) {
  return std::string(kMark) + std::to_string(code) + ": " + reason;
}

std::optional<int> reported_code(const std::optional<std::string>& verdict) {
  const size_t at = verdict ? verdict->find(kMark) : std::string::npos;
  if (at == std::string::npos) return {};
  return std::atoi(verdict->c_str() + at + kMark.size());
}

}  // namespace lodestone
