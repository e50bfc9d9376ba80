#include "sampler/texts/text_roles.h"

#include <algorithm>
#include <set>

namespace lodestone::sampler {

const std::vector<Role>& roles_of(TextFormat format) {
  static const std::vector<Role> labels = {{{"text", "sentence"}}, {{"label"}}};
  static const std::vector<Role> pairs = {{{"sentence1", "anchor", "query", "question"}},
                                          {{"sentence2", "positive", "answer"}},
                                          {{"score", "label"}, false}};
  static const std::vector<Role> triplets = {{{"anchor", "query"}}, {{"positive"}}, {{"negative"}}};
  static const std::vector<Role> queries = {{{"query", "anchor", "question"}}, {{"positive", "answer"}}};
  static const std::vector<Role> texts = {{{"text", "sentence"}}};
  static const std::vector<Role> captions = {{{"caption", "text", "title"}}, {{"path", "image", "filepath"}}};
  if (format == TextFormat::kPairs) return pairs;
  if (format == TextFormat::kTriplets) return triplets;
  if (format == TextFormat::kTexts) return texts;
  if (format == TextFormat::kCaptions) return captions;
  return format == TextFormat::kQueries ? queries : labels;
}

bool is_open(TextFormat format) {
  return format == TextFormat::kQueries || format == TextFormat::kTexts;
}

size_t least_columns(TextFormat format) {
  return static_cast<size_t>(std::ranges::count_if(roles_of(format), &Role::needed));
}

bool has_role(TextFormat format, const std::string& name) {
  static const std::set<std::string> roles = [] {
    std::set<std::string> names = {"negative", "negatives"};
    for (const TextFormat one :
         {TextFormat::kLabels, TextFormat::kPairs, TextFormat::kTriplets, TextFormat::kQueries})
      for (const Role& role : roles_of(one)) names.insert(role.names.begin(), role.names.end());
    return names;
  }();
  if (format == TextFormat::kTexts) return false;
  if (name == "split" || name == "is_query" || name == "is_gallery") return true;
  return format != TextFormat::kCaptions && (roles.contains(name) || name.starts_with("negative_"));
}

}  // namespace lodestone::sampler
