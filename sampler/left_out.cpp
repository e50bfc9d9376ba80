#include "sampler/left_out.h"

namespace lodestone {

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
    all.push_back(std::to_string(what.count) + " " + reason +
                  (what.example.empty() ? "" : "; the first: " + what.example));
  return all;
}

std::string LeftOut::clause() const {
  std::string text;
  for (const std::string& sentence : sentences())
    text += (text.empty() ? ". Passed over: " : "; ") + sentence;
  return text;
}

}  // namespace lodestone
