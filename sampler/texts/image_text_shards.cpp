#include "sampler/texts/image_text_shards.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <unordered_map>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json_reader.h"
#include "common/utf8.h"
#include "sampler/image_files.h"
#include "sampler/path_patterns.h"
#include "sampler/tar_index.h"

namespace lodestone {

namespace {

using Json = nlohmann::json;

constexpr int64_t kMaxCaptionBytes = int64_t{1} << 20;

/// A member's content.
struct Place {
  uint32_t shard;
  int64_t offset;
  int64_t size;
};

/// The shards, read at any place.
class Shards {
 public:
  explicit Shards(std::vector<std::string> paths) : paths_(std::move(paths)), names_(relative_names(paths_)) {
    for (size_t s = 0; s < std::min(kFilesKeptOpen, paths_.size()); ++s) open_.emplace_back(paths_[s]);
  }
  size_t count() const { return paths_.size(); }
  const std::string& path(size_t shard) const { return paths_[shard]; }
  std::vector<std::byte> read(const Place& place) const {
    return place.shard < open_.size() ? open_[place.shard].read(place.offset, place.size)
                                      : PositionedFile(paths_[place.shard]).read(place.offset, place.size);
  }
  std::string where(const Place& place, const std::string& name) const {
    return paths_[place.shard] + "!" + name + " (offset " + std::to_string(place.offset) + ")";
  }
  std::string key(const Place& place, const std::string& name) const {
    return names_[place.shard] + "!" + name;
  }

 private:
  std::vector<std::string> paths_;
  std::vector<std::string> names_;
  std::vector<PositionedFile> open_;  // the first of paths_
};

std::vector<std::string> captions_of_json(const std::string& text, const std::string& where) {
  const Json json = read_json(text).value_or(nullptr);
  std::vector<std::string> captions;
  if (json.is_object())
    for (const char* key : {"captions", "caption", "text"}) {
      const auto found = json.find(key);
      if (found == json.end()) continue;
      if (found->is_string()) captions.push_back(found->get<std::string>());
      if (found->is_array())
        for (const Json& item : *found) captions.push_back(item.is_string() ? item.get<std::string>() : "");
      break;
    }
  if (captions.empty() || std::count(captions.begin(), captions.end(), "") > 0)
    throw DataError("captions: expected {\"caption\": text or a list of texts}, got '" + text.substr(0, 80) +
                    "' in " + where + "; correct or remove it");
  return captions;
}

std::vector<std::string> captions_of_lines(const std::string& text, const std::string& where) {
  std::vector<std::string> captions;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (!line.empty()) captions.push_back(std::move(line));
    begin = end + 1;
  }
  if (captions.empty()) throw DataError("captions: expected a caption, got none in " + where + "; write one");
  return captions;
}

/// All captions of one member.
std::vector<std::string> read_captions(const Shards& shards, const Place& place, const std::string& name) {
  const std::string where = shards.where(place, name);
  if (place.size > kMaxCaptionBytes)
    throw DataError("captions: expected at most 1 MiB, got " + std::to_string(place.size) + " bytes in " +
                    where);
  const auto bytes = shards.read(place);
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!is_utf8(text))
    throw DataError("captions: expected UTF-8, got other bytes in " + where + "; convert it");
  return name.ends_with(".json") ? captions_of_json(text, where) : captions_of_lines(text, where);
}

class ShardPictures : public ImageDataset {
 public:
  ShardPictures(std::shared_ptr<const Shards> shards, const DecodeOptions& decode)
      : shards_(std::move(shards)), decode_(decode) {}

  void add(const Place& place, const std::string& name) {
    places_.push_back(place);
    names_.push_back(name);
  }

  int64_t size() const override { return static_cast<int64_t>(places_.size()); }
  int64_t label(int64_t i) const override { return i; }
  uint64_t id(int64_t i) const override { return sample_id(key(i)); }
  std::string key(int64_t i) const override { return shards_->key(place(i), names_[static_cast<size_t>(i)]); }
  int64_t classes() const override { return size(); }
  std::string class_name(int64_t c) const override { return key(c); }
  int64_t group(int64_t c) const override { return c; }
  Image get(int64_t i) const override {
    const std::string where = shards_->where(place(i), names_[static_cast<size_t>(i)]);
    if (place(i).size > static_cast<int64_t>(kMaxImageBytes))
      throw DataError("captions: expected a picture of at most 256 MiB, got " +
                      std::to_string(place(i).size) + " bytes in " + where + "; remove it");
    return decode_image(shards_->read(place(i)), decode_, where);
  }

 private:
  const Place& place(int64_t i) const { return places_.at(static_cast<size_t>(i)); }

  std::shared_ptr<const Shards> shards_;
  DecodeOptions decode_;
  std::vector<Place> places_;
  std::vector<std::string> names_;
};

class ShardCaptions : public TextDataset {
 public:
  ShardCaptions(std::shared_ptr<const Shards> shards, std::shared_ptr<const ImageDataset> pictures)
      : shards_(std::move(shards)), pictures_(std::move(pictures)) {}

  /// The captions of the next picture.
  void add(const Place& place, const std::string& name) {
    const std::vector<std::string> captions = read_captions(*shards_, place, name);
    for (uint32_t n = 0; n < captions.size(); ++n) {
      samples_.push_back({sample_id(captions[n]), static_cast<uint32_t>(members_.size()), n,
                          static_cast<uint16_t>(std::min<size_t>(captions[n].size(), UINT16_MAX))});
    }
    members_.push_back({place, name.ends_with(".json")});
  }

  int64_t size() const override { return static_cast<int64_t>(samples_.size()); }
  int64_t label(int64_t i) const override { return sample(i).member; }
  uint64_t id(int64_t i) const override { return sample(i).id; }
  std::string key(int64_t i) const override {
    return pictures_->key(label(i)) + " caption " + std::to_string(sample(i).number + 1);
  }
  int64_t classes() const override { return static_cast<int64_t>(members_.size()); }
  std::string class_name(int64_t c) const override { return pictures_->class_name(c); }
  int64_t group(int64_t c) const override { return c; }
  int64_t bytes(int64_t i) const override { return sample(i).bytes; }
  std::string get(int64_t i) const override {
    const Member& member = members_[sample(i).member];
    std::vector<std::string> captions =
        read_captions(*shards_, member.place, member.is_json ? ".json" : ".txt");
    if (sample(i).number >= captions.size() || sample_id(captions[sample(i).number]) != id(i))
      throw DataError(
          "captions: expected the text that was there when the shard was opened, got another for " + key(i) +
          "; do not change shards in use");
    return std::move(captions[sample(i).number]);
  }

 private:
  struct Member {
    Place place;
    bool is_json;
  };
  struct Sample {
    uint64_t id;
    uint32_t member;
    uint32_t number;
    uint16_t bytes;
  };
  const Sample& sample(int64_t i) const { return samples_.at(static_cast<size_t>(i)); }

  std::shared_ptr<const Shards> shards_;
  std::shared_ptr<const ImageDataset> pictures_;
  std::vector<Member> members_;  // of each picture
  std::vector<Sample> samples_;
};

/// A key of one shard.
struct Entry {
  std::optional<TarMember> picture, text;
};

/// The key ends at the first dot of the file name, as WebDataset has it. The keys in order of their first member.
std::vector<std::pair<std::string, Entry>> entries_of(const TarIndex& index, const std::string& path) {
  std::vector<std::pair<std::string, Entry>> entries;
  std::unordered_map<std::string, size_t> numbers;
  for (const TarMember& member : index.members) {
    const auto slash = member.name.rfind('/');
    const auto dot = member.name.find('.', slash == std::string::npos ? 0 : slash + 1);
    if (dot == std::string::npos) continue;
    const std::string key = member.name.substr(0, dot), ending = member.name.substr(dot);
    const bool is_picture = has_image_ending("x" + ending);
    if (!is_picture && ending != ".txt" && ending != ".json") continue;
    const auto [found, is_new] = numbers.try_emplace(key, entries.size());
    if (is_new) entries.push_back({key, {}});
    Entry& entry = entries[found->second].second;
    auto& slot = is_picture ? entry.picture : entry.text;
    if (slot && (is_picture || slot->name.ends_with(ending)))
      throw DataError("captions: expected one picture and one .txt or .json per key, got '" + slot->name +
                      "' and '" + member.name + "' (offset " + std::to_string(member.offset) + ") in " +
                      path + "; rename one of them");
    if (!slot || ending == ".txt") slot = member;  // of both, .json holds other things
  }
  return entries;
}

}  // namespace

ImageTextSet open_image_text_shards(const ImageSourceConfig& source, const DecodeOptions& decode) {
  const auto shards = std::make_shared<Shards>(expand_paths(source.path));
  const auto pictures = std::make_shared<ShardPictures>(shards, decode);
  const auto captions = std::make_shared<ShardCaptions>(shards, pictures);
  for (size_t s = 0; s < shards->count(); ++s) {
    const PositionedFile file(shards->path(s));
    for (const auto& [key, entry] : entries_of(index_tar(file), file.path())) {
      if (!entry.picture || !entry.text) {
        if (source.skip_incomplete) continue;
        const TarMember& present = entry.picture ? *entry.picture : *entry.text;
        throw DataError("captions: expected a picture and a .txt or .json for key '" + key + "', got only '" +
                        present.name + "' (offset " + std::to_string(present.offset) + ") in " + file.path() +
                        "; complete it, or set skip_incomplete: true");
      }
      const auto shard = static_cast<uint32_t>(s);
      captions->add({shard, entry.text->offset, entry.text->size}, entry.text->name);
      pictures->add({shard, entry.picture->offset, entry.picture->size}, entry.picture->name);
    }
  }
  if (pictures->size() == 0)
    throw DataError("captions: expected pictures with captions, got none in the shards of '" + source.path +
                    "'");
  ImageTextSet set;
  set.pictures = pictures;
  set.captions = captions;
  set.rows = captions->size();
  sort_captions(set, pictures->size());
  return set;
}

}  // namespace lodestone
