#include "trainer/data/manifest.h"

#include <map>

#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "trainer/data/face.h"
#include "trainer/data/letters.h"

namespace lodestone::data {

using Json = nlohmann::ordered_json;

namespace {

// Increment it whenever the code would make other bytes from the same fonts.
constexpr int kFormat = 1;

Json options_json(const TypefacesOptions& options) {
  return {{"seed", options.seed},
          {"image_size", options.image_size},
          {"min_typefaces", options.min_typefaces},
          {"max_typefaces", options.max_typefaces},
          {"limit", options.limit}};
}

Json split_json(const SplitReport& split) {
  Json shards = Json::array();
  for (const auto& shard : split.shards)
    shards.push_back({{"file", shard.name}, {"bytes", shard.bytes}, {"checksum", shard.checksum}});
  return {{"classes", split.classes},     {"groups", split.groups},   {"largest_group", split.largest_group},
          {"instances", split.instances}, {"scripts", split.scripts}, {"families", split.families},
          {"shards", std::move(shards)}};
}

SplitReport split_from(const Json& json) {
  SplitReport split;
  json.at("classes").get_to(split.classes);
  json.at("groups").get_to(split.groups);
  json.at("largest_group").get_to(split.largest_group);
  json.at("instances").get_to(split.instances);
  json.at("scripts").get_to(split.scripts);
  json.at("families").get_to(split.families);
  for (const auto& shard : json.at("shards"))
    split.shards.push_back({shard.at("file"), shard.at("bytes"), shard.at("checksum")});
  return split;
}

Json typefaces_json(const std::vector<Typeface>& typefaces, const Selection& selection) {
  std::map<size_t, int64_t> instances;
  for (const auto& letter : selection.letters)
    for (const size_t t : letter.typefaces) ++instances[t];
  Json list = Json::array();
  for (const auto& [t, count] : instances)
    list.push_back({{"family", typefaces[t].family},
                    {"style", typefaces[t].style},
                    {"split", name_of(typefaces[t].split)},
                    {"file", typefaces[t].path.string()},
                    {"version", typefaces[t].version},
                    {"checksum", typefaces[t].checksum},
                    {"instances", count}});
  return list;
}

Json letters_json(const Selection& selection) {
  Json list = Json::array();
  for (const auto& letter : selection.letters)
    list.push_back({{"class", class_name(letter.code)},
                    {"name", letter_name(letter.code)},
                    {"group", class_name(letter.group)},
                    {"split", name_of(letter.split)},
                    {"instances", letter.typefaces.size()}});
  return list;
}

// One element per line: a manifest of 4,000 letters stays readable and diffs well.
std::string lines(const Json& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "\n    " : ",\n    ") + json_text(item);
  return "[" + text + "\n  ]";
}

bool is_intact(const std::filesystem::path& output, const TypefacesReport& report) {
  for (const auto& split : report.splits)
    for (const auto& shard : split.shards)
      if (checksum(read_file(output / shard.name)) != shard.checksum) return false;
  return true;
}

}  // namespace

std::string fingerprint(const TypefacesOptions& options, const std::vector<Typeface>& typefaces) {
  Json inputs{{"format", kFormat},
              {"icu", icu_version()},
              {"freetype", freetype_version()},
              {"options", options_json(options)}};
  for (const auto& typeface : typefaces) inputs["typefaces"].push_back({typeface.name(), typeface.checksum});
  return checksum(json_text(inputs));
}

std::string manifest_text(const TypefacesOptions& options, const std::vector<Typeface>& typefaces,
                          const Selection& selection, const TypefacesReport& report) {
  Json splits;
  for (const Split split : kSplits) splits[name_of(split)] = split_json(report.split(split));
  const Json left_out{{"copied_drawings", selection.same_drawings},
                      {"rare_letters", selection.rare_letters},
                      {"letters_seen_in_another_split", selection.seen_letters}};
  const Json joins{{"confusable", selection.confusable_joins},
                   {"measured", selection.measured_joins},
                   {"refused", selection.refused_joins}};
  std::string text = "{\n";
  const auto member = [&](const char* name, const std::string& value) {
    text += (text.size() > 2 ? ",\n  \"" : "  \"") + std::string(name) + "\": " + value;
  };
  member("format", std::to_string(kFormat));
  member("fingerprint", json_text(Json(fingerprint(options, typefaces))));
  member("options", json_text(options_json(options)));
  member("icu", json_text(Json(icu_version())));
  member("freetype", json_text(Json(freetype_version())));
  member("splits", json_text(splits));
  member("left_out", json_text(left_out));
  member("look_alike_joins", json_text(joins));
  member("typefaces", lines(typefaces_json(typefaces, selection)));
  member("letters", lines(letters_json(selection)));
  return text + "\n}\n";
}

std::optional<TypefacesReport> find_complete(const std::filesystem::path& output,
                                             const std::string& fingerprint) {
  try {
    const Json manifest = parse_json(read_file(output / kManifestName), kManifestName);
    if (manifest.at("fingerprint") != fingerprint) return std::nullopt;
    TypefacesReport report;
    for (const Split split : kSplits)
      report.splits[static_cast<size_t>(split)] = split_from(manifest.at("splits").at(name_of(split)));
    report.cached = true;
    return is_intact(output, report) ? std::optional(report) : std::nullopt;
  } catch (const IoError&) {  // no manifest, or a missing shard
    return std::nullopt;
  } catch (const CheckpointError&) {  // a damaged manifest
    return std::nullopt;
  } catch (const nlohmann::json::exception&) {  // or a manifest of another program
    return std::nullopt;
  }
}

}  // namespace lodestone::data
