#include "trainer/init/place.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <map>
#include <system_error>

#include "common/error.h"
#include "common/paths.h"
#include "common/text_format.h"
#include "sampler/sources/image_files.h"

namespace lodestone::init {

namespace {

namespace fs = std::filesystem;

struct UseWord {
  const char* word;
  Use use;
  int order = 0;  ///< of words for evaluation: the smallest is used, the others are kept for the end
};

constexpr UseWord kUseWords[] = {
    {.word = "train", .use = Use::kTrain},
    {.word = "training", .use = Use::kTrain},
    {.word = "background", .use = Use::kTrain},
    {.word = "unseen", .use = Use::kEvaluate, .order = 0},
    {.word = "val", .use = Use::kEvaluate, .order = 1},
    {.word = "valid", .use = Use::kEvaluate, .order = 1},
    {.word = "validation", .use = Use::kEvaluate, .order = 1},
    {.word = "dev", .use = Use::kEvaluate, .order = 1},
    {.word = "eval", .use = Use::kEvaluate, .order = 2},
    {.word = "evaluation", .use = Use::kEvaluate, .order = 2},
    {.word = "test", .use = Use::kEvaluate, .order = 3},
    {.word = "testing", .use = Use::kEvaluate, .order = 3},
    {.word = "t10k", .use = Use::kEvaluate, .order = 3},
};

/// A name without its word for the use and without numbers.
struct NameParts {
  const UseWord* word = nullptr;
  std::string rest;
};

NameParts parts_of(const std::string& name) {
  NameParts parts;
  std::string word;
  const auto end_word = [&] {
    const auto* found = parts.word ? std::end(kUseWords) : std::ranges::find(kUseWords, word, &UseWord::word);
    if (found != std::end(kUseWords))
      parts.word = found;
    else if (!std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c); }))
      parts.rest += word;
    word.clear();
  };
  for (const char c : sampler::lower_case(name)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      word += c;
    } else {
      end_word();
      parts.rest += c;
    }
  }
  end_word();
  return parts;
}

}  // namespace

std::string Place::below(const std::string& name) const {
  return (fs::path(path) / name).string();
}

std::string small_name(const std::string& path) {
  return sampler::lower_case(fs::path(path).filename().string());
}

Place look_at(const std::string& path) {
  Place place{.path = path, .is_folder = is_folder(path), .files = {}, .folders = {}};
  while (place.path.size() > 1 && place.path.ends_with('/')) place.path.pop_back();
  const bool is_pattern = path.find_first_of("*{[?") != std::string::npos;
  if (!place.is_folder && !is_pattern && !path_exists(path))
    throw DataError("init: expected a folder or a file, got '" + path +
                    "', which does not exist; correct --from");
  if (!place.is_folder) return place;
  std::error_code error;
  for (const fs::path& entry : folder_entries(path, error)) {
    const std::string name = entry.filename().string();
    if (name.starts_with('.') || name == "__MACOSX") continue;
    (is_folder(entry) ? place.folders : place.files).push_back(name);
  }
  if (error) throw DataError("init: expected to read the folder " + path + ", got: " + error.message());
  return place;
}

std::optional<Use> use_of(const std::string& name) {
  const UseWord* word = parts_of(name).word;
  return word ? std::optional(word->use) : std::nullopt;
}

std::vector<UseGroup> groups_by_use(const std::vector<std::string>& names) {
  std::map<std::pair<size_t, std::string>, std::map<std::pair<Use, int>, std::vector<std::string>>> sets;
  for (const std::string& name : names) {
    const NameParts parts = parts_of(name);
    if (parts.word)
      sets[{parts.rest.size(), parts.rest}][{parts.word->use, parts.word->order}].push_back(name);
  }
  std::vector<UseGroup> groups;
  for (const auto& [rest, uses] : sets) {
    UseGroup group;
    for (const auto& [use, members] : uses) {
      auto& into = use.first == Use::kTrain ? group.train
                   : group.evaluate.empty() ? group.evaluate
                                            : group.kept;
      into.insert(into.end(), members.begin(), members.end());
    }
    if (!group.train.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

std::optional<ChosenPaths> choose_by_use(const Place& place, const std::vector<std::string>& names,
                                         std::vector<std::string>& others) {
  const std::vector<UseGroup> groups = groups_by_use(names);
  if (groups.empty()) return {};
  const UseGroup& chosen = groups.front();
  for (size_t g = 1; g < groups.size(); ++g)
    others.push_back(pattern_of(place, groups[g].train) +
                     " is another data set; name it with --from to use it");
  if (!chosen.kept.empty()) {
    const std::string kept = pattern_of(place, chosen.kept);
    others.push_back(kept + " is left for the end: lodestone evaluate RUN --data '" + kept + "'");
  }
  return ChosenPaths{.train = pattern_of(place, chosen.train),
                     .evaluate = chosen.evaluate.empty() ? "" : pattern_of(place, chosen.evaluate)};
}

std::string pattern_of(const Place& place, const std::vector<std::string>& names) {
  if (names.size() == 1) return place.below(names.front());
  const auto [low, high] = std::ranges::minmax(names);
  const auto common = static_cast<size_t>(std::ranges::mismatch(low, high).in1 - low.begin());
  std::string begin = low.substr(0, common), end = fs::path(low).extension().string();
  while (!begin.empty() && std::isdigit(static_cast<unsigned char>(begin.back())) != 0) begin.pop_back();
  const auto fits = [&](const std::string& name) { return name.starts_with(begin) && name.ends_with(end); };
  if (std::ranges::count_if(place.files, fits) == static_cast<std::ptrdiff_t>(names.size()))
    return place.below(begin + "*" + end);
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ",") + name;
  return place.below("{" + all + "}");
}

}  // namespace lodestone::init
