#include "sampler/left_out.h"

#include <algorithm>

#include "common/counted.h"

namespace lodestone::sampler {

namespace {

// "line|lines without a text" with its count. Caches of an earlier version have reasons without "|".
std::string counted_reason(int64_t count, const std::string& reason) {
  const size_t bar = reason.find('|'), end = std::min(reason.find(' ', bar), reason.size());
  if (bar == std::string::npos) return std::to_string(count) + " " + reason;
  return counted(count, reason.substr(0, bar), reason.substr(bar + 1, end - bar - 1)) + reason.substr(end);
}

}  // namespace

void LeftOut::add(const std::string& reason, const std::string& example, int64_t count) {
  if (count == 0) return;
  const auto [found, is_new] = reasons_.try_emplace(reason);
  found->second.count += count;
  if (is_new) found->second.example = example;
}

void LeftOut::add(const LeftOut& other) {
  for (const auto& [reason, what] : other.reasons_) add(reason, what.example, what.count);
}

int64_t LeftOut::count() const {
  int64_t sum = 0;
  for (const auto& [reason, what] : reasons_) sum += what.count;
  return sum;
}

std::vector<std::string> LeftOut::sentences() const {
  std::vector<std::string> all;
  for (const auto& [reason, what] : reasons_)
    all.push_back(counted_reason(what.count, reason) +
                  (what.example.empty() ? "" : "; the first: " + what.example));
  return all;
}

std::string LeftOut::clause() const {
  std::string text;
  for (const std::string& sentence : sentences()) text += (text.empty() ? ". Left out: " : "; ") + sentence;
  return text;
}

}  // namespace lodestone::sampler
