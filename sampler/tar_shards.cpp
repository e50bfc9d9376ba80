#include <algorithm>
#include <filesystem>
#include <optional>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "sampler/image_files.h"
#include "sampler/image_source.h"
#include "sampler/path_patterns.h"
#include "sampler/tar_index.h"

namespace lodestone {

namespace {

constexpr int64_t kMaxLabelBytes = int64_t{1} << 20;
constexpr size_t kKeptOpen =
    256;  // shards; later ones are opened for each read, since processes may hold few files

/// A key of one shard: its picture and what it belongs to.
struct Entry {
  std::optional<TarMember> picture;
  std::optional<TarMember> label;
};

struct Sample {
  uint32_t shard;
  TarMember picture;
  std::string class_name;
};

class TarShards : public IndexedImages {
 public:
  TarShards(std::vector<std::string> paths, std::vector<std::string> shard_names, ClassTable table,
            const DecodeOptions& decode)
      : IndexedImages(std::move(table)),
        paths_(std::move(paths)),
        shard_names_(std::move(shard_names)),
        decode_(decode) {
    for (size_t s = 0; s < std::min(kKeptOpen, paths_.size()); ++s) open_.emplace_back(paths_[s]);
  }

  void add_sample(Sample sample) {
    places_.push_back({sample.shard, std::move(sample.picture)});
    add(table().index(sample.class_name), key(static_cast<int64_t>(places_.size()) - 1));
  }

  std::string key(int64_t i) const override {
    const Place& place = places_.at(static_cast<size_t>(i));
    return shard_names_[place.shard] + "!" + place.picture.name;
  }

  Image get(int64_t i) const override {
    const Place& place = places_.at(static_cast<size_t>(i));
    const std::string where = paths_[place.shard] + "!" + place.picture.name + " (offset " +
                              std::to_string(place.picture.offset) + ")";
    if (place.picture.size > static_cast<int64_t>(kMaxImageBytes))
      throw DataError("shard: expected a picture of at most 256 MiB, got " +
                      std::to_string(place.picture.size) + " bytes in " + where + "; remove it");
    const auto bytes =
        place.shard < open_.size()
            ? open_[place.shard].read(place.picture.offset, place.picture.size)
            : PositionedFile(paths_[place.shard]).read(place.picture.offset, place.picture.size);
    return decode_image(bytes, decode_, where);
  }

 private:
  struct Place {
    uint32_t shard;
    TarMember picture;
  };
  std::vector<std::string> paths_;
  std::vector<PositionedFile> open_;  // the first of paths_
  std::vector<std::string> shard_names_;
  DecodeOptions decode_;
  std::vector<Place> places_;
};

/// Builds the index of all shards.
class Indexer {
 public:
  explicit Indexer(const ImageSourceConfig& config) : config_(config) {}

  void add_shard(const PositionedFile& file, uint32_t number) {
    TarIndex index = index_tar(file);
    report.refused += index.refused;
    ++report.shards;
    std::unordered_map<std::string, Entry> entries;
    std::vector<std::string> order;
    for (TarMember& member : index.members) place(file, member, entries, order);
    for (const std::string& key : order) add_entry(file, number, key, entries.at(key));
  }

  std::vector<Sample> samples;
  std::set<std::string> names;
  std::map<std::string, std::string> look_alikes;
  TarShardsReport report;

 private:
  // The key ends at the first dot of the file name, as WebDataset has it.
  void place(const PositionedFile& file, TarMember& member, std::unordered_map<std::string, Entry>& entries,
             std::vector<std::string>& order) {
    const auto slash = member.name.rfind('/');
    const auto dot = member.name.find('.', slash == std::string::npos ? 0 : slash + 1);
    if (dot == std::string::npos) return;
    const std::string ending = member.name.substr(dot);
    const bool is_picture = has_image_ending("x" + ending);
    if (!is_picture && ending != ".cls" && ending != ".json") return;
    const std::string key = member.name.substr(0, dot);
    const auto [found, is_new] = entries.try_emplace(key);
    if (is_new) order.push_back(key);
    auto& slot = is_picture ? found->second.picture : found->second.label;
    if (slot)
      throw DataError("shard: expected one picture and one of .cls and .json per key, got '" + slot->name +
                      "' and '" + member.name + "' (offset " + std::to_string(member.offset) + ") in " +
                      file.path() + "; rename one of them");
    slot = std::move(member);
  }

  void add_entry(const PositionedFile& file, uint32_t number, const std::string& key, Entry& entry) {
    if (!entry.picture || !entry.label) {
      const TarMember& present = entry.picture ? *entry.picture : *entry.label;
      if (!config_.skip_incomplete)
        throw DataError("shard: expected a picture and a .cls or .json for key '" + key + "', got only '" +
                        present.name + "' (offset " + std::to_string(present.offset) + ") in " + file.path() +
                        "; complete it, or set skip_incomplete: true");
      ++report.incomplete;
      return;
    }
    std::string class_name = read_class(file, *entry.label);
    if (!passes_filter(class_name, config_.class_filter)) return;
    names.insert(class_name);
    samples.push_back({number, std::move(*entry.picture), std::move(class_name)});
  }

  std::string read_class(const PositionedFile& file, const TarMember& member) {
    const std::string where =
        file.path() + "!" + member.name + " (offset " + std::to_string(member.offset) + ")";
    if (member.size > kMaxLabelBytes)
      throw DataError("shard: expected a class of at most 1 MiB, got " + std::to_string(member.size) +
                      " bytes in " + where);
    const auto bytes = file.read(member.offset, member.size);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::string name = member.name.ends_with(".cls") ? trimmed(text) : class_from_json(text, where);
    if (name.empty()) throw DataError("shard: expected a class name, got an empty one in " + where);
    return name;
  }

  std::string class_from_json(const std::string& text, const std::string& where) {
    const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    const auto found = json.is_object() ? json.find("class") : json.end();
    if (!json.is_object() || found == json.end() || !(found->is_string() || found->is_number_integer()))
      throw DataError("shard: expected {\"class\": name}, got '" + text.substr(0, 80) + "' in " + where);
    const std::string name = found->is_string() ? found->get<std::string>() : found->dump();
    const auto group = json.find("group");
    if (group == json.end() || group->is_null()) return name;
    if (!group->is_string())
      throw DataError("shard: expected \"group\" to be text, got " + group->dump() + " in " + where);
    const auto [known, is_new] = look_alikes.emplace(name, group->get<std::string>());
    if (!is_new && known->second != group->get<std::string>())
      throw DataError("shard: expected class '" + name + "' in one group, got '" + known->second +
                      "' before and '" + group->get<std::string>() + "' in " + where);
    return name;
  }

  static std::string trimmed(const std::string& text) {
    const char* blank = " \t\r\n";
    const auto begin = text.find_first_not_of(blank);
    return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(blank) - begin + 1);
  }

  const ImageSourceConfig& config_;
};

// Names below the folder that holds all shards: ids then do not depend on where the data set lies.
std::vector<std::string> relative_names(const std::vector<std::string>& paths) {
  std::filesystem::path common = std::filesystem::path(paths.front()).parent_path();
  for (const std::string& path : paths)
    while (!common.empty() && *std::filesystem::path(path).lexically_relative(common).begin() == "..")
      common = common.parent_path();
  std::vector<std::string> names;
  for (const std::string& path : paths)
    names.push_back(common.empty() ? path : std::filesystem::path(path).lexically_relative(common).string());
  return names;
}

}  // namespace

std::shared_ptr<const ImageDataset> open_tar_shards(const ImageSourceConfig& config,
                                                    const DecodeOptions& decode, TarShardsReport* report) {
  const std::vector<std::string> paths = expand_paths(config.path);
  Indexer indexer(config);
  for (size_t s = 0; s < paths.size(); ++s)
    indexer.add_shard(PositionedFile(paths[s]), static_cast<uint32_t>(s));
  if (indexer.samples.empty())
    throw DataError("shard: expected pictures of a class that class_filter keeps, got none in the " +
                    std::to_string(paths.size()) + " shards of '" + config.path + "'");
  if (report != nullptr) *report = indexer.report;
  auto images = std::make_shared<TarShards>(paths, relative_names(paths),
                                            ClassTable(indexer.names, indexer.look_alikes), decode);
  for (Sample& sample : indexer.samples) images->add_sample(std::move(sample));
  return images;
}

}  // namespace lodestone
