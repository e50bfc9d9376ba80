#include "sampler/tokenizers/huggingface/pattern.h"

#include "common/fields.h"
#include "sampler/tokenizers/huggingface/characters.h"

namespace lodestone::sampler::huggingface {

namespace {

class Literal : public Pattern {
 public:
  explicit Literal(std::string text) : text_(std::move(text)) {}

  void find(std::string_view text, std::vector<Match>& matches) const override {
    size_t last = 0;
    for (size_t at; (at = text.find(text_, last)) != std::string_view::npos; last = at + text_.size()) {
      if (last < at) matches.push_back({last, at, false});
      matches.push_back({at, at + text_.size(), true});
    }
    if (last < text.size() || text.empty()) matches.push_back({last, text.size(), false});
  }

 private:
  std::string text_;
};

constexpr Choice<Behavior> kBehaviors[] = {{"Removed", Behavior::kRemoved},
                                           {"Isolated", Behavior::kIsolated},
                                           {"MergedWithPrevious", Behavior::kMergedWithPrevious},
                                           {"MergedWithNext", Behavior::kMergedWithNext},
                                           {"Contiguous", Behavior::kContiguous}};

// Joins a part with the one before it where `joins(part, one before)`.
template <typename Joins>
void fold(std::vector<Match>& parts, const Joins& joins) {
  size_t kept = 0;
  bool before = false;
  for (const Match part : parts) {
    if (kept > 0 && joins(part.found, before)) {
      parts[kept - 1].begin = std::min(parts[kept - 1].begin, part.begin);
      parts[kept - 1].end = std::max(parts[kept - 1].end, part.end);
    } else {
      parts[kept++] = {part.begin, part.end, false};
    }
    before = part.found;
  }
  parts.resize(kept);
}

}  // namespace

std::unique_ptr<Pattern> read_pattern(const Part& part) {
  if (part.has("Regex")) return compile_regex(part.part("Regex").text(), part.part("Regex").where());
  if (!part.has("String")) part.refuse("a mapping with the key String or Regex");
  std::string text = part.part("String").text();
  if (text.empty()) return compile_regex("", part.where());
  return std::make_unique<Literal>(std::move(text));
}

Behavior read_behavior(const Part& part) {
  const std::string name = part.text();
  for (const auto& choice : kBehaviors)
    if (name == choice.name) return choice.value;
  part.refuse("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

void arrange(std::vector<Match>& matches, Behavior behavior) {
  switch (behavior) {
    case Behavior::kRemoved:
      break;
    case Behavior::kIsolated:
      for (Match& match : matches) match.found = false;
      break;
    case Behavior::kContiguous:
      fold(matches, [](bool found, bool before) { return found == before; });
      break;
    case Behavior::kMergedWithPrevious:
      fold(matches, [](bool found, bool before) { return found && !before; });
      break;
    case Behavior::kMergedWithNext:
      std::reverse(matches.begin(), matches.end());
      fold(matches, [](bool found, bool before) { return found && !before; });
      std::reverse(matches.begin(), matches.end());
  }
}

}  // namespace lodestone::sampler::huggingface
