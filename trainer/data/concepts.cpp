#include "trainer/data/concepts.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/files.h"
#include "common/json_text.h"
#include "sampler/dataset.h"
#include "trainer/data/near_texts.h"
#include "trainer/data/output_folder.h"

namespace lodestone::data {

using Json = nlohmann::ordered_json;

namespace {

constexpr int kFormat = 1;

void drop_incomplete(std::vector<Concept>& concepts, const std::string& needed) {
  const auto complete = [&](const Concept& one) {
    return one.names.size() >= 2 && (needed.empty() || std::ranges::any_of(one.names, [&](const Name& name) {
                                       return name.origin == needed;
                                     }));
  };
  std::vector<size_t> place(concepts.size(), SIZE_MAX);
  size_t kept = 0;
  for (size_t c = 0; c < concepts.size(); ++c)
    if (complete(concepts[c])) place[c] = kept++;
  std::erase_if(concepts, [&](const Concept& one) { return !complete(one); });
  for (auto& one : concepts) {
    std::set<size_t> kin;
    for (const size_t other : one.kin)
      if (place[other] != SIZE_MAX) kin.insert(place[other]);
    one.kin.assign(kin.begin(), kin.end());
  }
}

Split drawn_split(const Concept& one, const Shares& shares) {
  const double point = static_cast<double>(sampler::sample_id(one.label) >> 11) * 0x1.0p-53;
  if (point < shares.test) return Split::kTest;
  return point < shares.test + shares.validation ? Split::kValidation : Split::kTrain;
}

// The concepts that are near each concept of validation or test, by name or kin.
class Closeness {
 public:
  Closeness(const std::vector<Concept>& concepts, double nearness)
      : concepts_(concepts), near_(texts(), nearness) {}

  std::vector<size_t> close_to(size_t c) const {
    std::vector<size_t> close = concepts_[c].kin;
    for (size_t i = first_[c]; i < first_[c] + concepts_[c].names.size(); ++i)
      for (const size_t other : near_.near(i)) close.push_back(owner_[other]);
    return close;
  }

 private:
  std::vector<std::string> texts() {
    std::vector<std::string> all;
    for (size_t c = 0; c < concepts_.size(); ++c) {
      first_.push_back(all.size());
      for (const auto& name : concepts_[c].names) {
        all.push_back(name.text);
        owner_.push_back(c);
      }
    }
    return all;
  }

  const std::vector<Concept>& concepts_;
  std::vector<size_t> first_, owner_;
  NearTexts near_;
};

void add_line(const Json& row, std::string& lines) {
  lines += json_text(row) + "\n";
}

ShardFile written(const std::filesystem::path& folder, const std::string& name, const std::string& lines) {
  write_file_synced(folder / name, lines);
  return {name, lines.size(), checksum(lines)};
}

ConceptSplit write_split(Split split, const std::vector<Concept>& concepts,
                         const std::vector<std::optional<Split>>& parts, const std::string& origin_name,
                         const std::filesystem::path& folder) {
  ConceptSplit report;
  std::string lines, pairs;
  for (size_t c = 0; c < concepts.size(); ++c) {
    if (parts[c] != split) continue;
    ++report.concepts;
    const std::string& first = concepts[c].names.front().text;
    for (const auto& name : concepts[c].names) {
      ++report.names;
      if (&name != &concepts[c].names.front())
        add_line({{"sentence1", first}, {"sentence2", name.text}}, pairs);
      add_line({{"text", name.text}, {"label", concepts[c].label}, {origin_name, name.origin}}, lines);
    }
  }
  report.file = written(folder, std::string(name_of(split)) + ".jsonl", lines);
  report.pairs = written(folder, std::string(name_of(split)) + "-pairs.jsonl", pairs);
  return report;
}

Json file_json(const ShardFile& file) {
  return {{"file", file.name}, {"bytes", file.bytes}, {"checksum", file.checksum}};
}

std::string manifest_text(const ConceptsSource& source, const ConceptsReport& report) {
  Json manifest{{"format", kFormat},
                {"source", source.version},
                {"shares",
                 {{"validation", source.shares.validation},
                  {"test", source.shares.test},
                  {"nearness", source.shares.nearness}}},
                {"left_out", report.left_out}};
  for (const Split split : kSplits) {
    const auto& part = report.splits[static_cast<size_t>(split)];
    manifest["splits"][name_of(split)] = {{"concepts", part.concepts},
                                          {"names", part.names},
                                          {"files", {file_json(part.file), file_json(part.pairs)}}};
  }
  return json_text(manifest, 2) + "\n";
}

}  // namespace

std::vector<Concept> distinct(std::vector<Concept> concepts, const std::string& needed) {
  std::unordered_map<std::string, std::vector<size_t>> owners;
  for (size_t c = 0; c < concepts.size(); ++c)
    for (const auto& name : concepts[c].names) {
      auto& known = owners[folded(name.text)];
      if (known.empty() || known.back() != c) known.push_back(c);
    }
  for (const auto& [text, known] : owners)
    for (const size_t a : known)
      for (const size_t b : known)
        if (a != b) concepts[a].kin.push_back(b);
  for (size_t c = 0; c < concepts.size(); ++c) {
    std::set<std::string> seen;
    std::erase_if(concepts[c].names, [&](const Name& name) {
      const std::string text = folded(name.text);
      return text.empty() || owners.at(text).size() > 1 || !seen.insert(text).second;
    });
  }
  drop_incomplete(concepts, needed);
  return concepts;
}

std::vector<std::optional<Split>> split_concepts(const std::vector<Concept>& concepts, const Shares& shares) {
  std::vector<std::optional<Split>> parts;
  for (const auto& one : concepts) parts.push_back(drawn_split(one, shares));
  const Closeness closeness(concepts, shares.nearness);
  for (const Split evaluated : {Split::kTest, Split::kValidation})
    for (size_t c = 0; c < concepts.size(); ++c) {
      if (parts[c] != evaluated) continue;
      for (const size_t other : closeness.close_to(c))
        if (parts[other] && *parts[other] < evaluated) parts[other].reset();
    }
  return parts;
}

ConceptsReport write_concepts(const std::filesystem::path& output, const ConceptsSource& source,
                              const std::vector<Concept>& concepts) {
  OutputFolder folder(output, source.kind);
  const auto parts = split_concepts(concepts, source.shares);
  ConceptsReport report;
  report.left_out = std::ranges::count_if(parts, [](const auto& part) { return !part; });
  for (const Split split : kSplits) {
    auto& part = report.splits[static_cast<size_t>(split)];
    part = write_split(split, concepts, parts, source.origin_name, folder.part());
    if (part.concepts == 0)
      throw DataError(source.kind + ": expected concepts for the split " + name_of(split) +
                      ", found none among " + std::to_string(concepts.size()) +
                      "; give the whole package's files");
  }
  write_file_synced(folder.manifest(), manifest_text(source, report));
  folder.publish();
  return report;
}

}  // namespace lodestone::data
