#include "sampler/texts/image_text_shards.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json_reader.h"
#include "common/utf8.h"
#include "sampler/files/path_patterns.h"
#include "sampler/sources/encoded_images.h"
#include "sampler/sources/image_files.h"
#include "sampler/sources/shard_keys.h"

namespace lodestone::sampler {

namespace {

using Json = nlohmann::json;

constexpr int64_t kMaxCaptionBytes = int64_t{1} << 20;
constexpr size_t kMessages = 20;
constexpr std::array<std::string_view, 2> kCaptionEndings{".txt",
                                                          ".json"};  // if both exist, .json has other data

/// The position of a member's content.
struct Place {
  uint32_t shard;
  int64_t offset;
  int64_t size;
};

/// The shards, for reading at any position.
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
  std::vector<PositionedFile> open_;  // files of the first paths_
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
  if (captions.empty() || std::any_of(captions.begin(), captions.end(), is_blank))
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
    if (!is_blank(line)) captions.push_back(std::move(line));
    begin = end + 1;
  }
  if (captions.empty()) throw DataError("captions: expected a caption, got none in " + where + "; write one");
  return captions;
}

bool is_json(const std::string& name) {
  return lower_case(name).ends_with(".json");
}

/// All captions of one member.
std::vector<std::string> captions_in(const std::vector<std::byte>& bytes, const Place& place,
                                     const std::string& name, const std::string& where) {
  if (place.size > kMaxCaptionBytes)
    throw DataError("captions: expected at most 1 MiB, got " + std::to_string(place.size) + " bytes in " +
                    where + "; shorten it");
  const std::string text(without_mark({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  if (!is_utf8(text))
    throw DataError("captions: expected UTF-8, got other bytes in " + where + "; convert it");
  return is_json(name) ? captions_of_json(text, where) : captions_of_lines(text, where);
}

/// The images of shards, each a class of its own.
class ShardImages : public ImageDataset, public EncodedImages {
 public:
  ShardImages(std::shared_ptr<const Shards> shards, const DecodeOptions& decode)
      : shards_(std::move(shards)), decode_(decode) {}

  void add(const Place& place, const std::string& name) {
    places_.push_back(place);
    names_.push_back(name);
  }
  void leave_out(const LeftOut& what) { left_out_.add(what); }

  int64_t size() const override { return static_cast<int64_t>(places_.size()); }
  int64_t label(int64_t i) const override { return i; }
  uint64_t id(int64_t i) const override { return sample_id(key(i)); }
  std::string key(int64_t i) const override { return shards_->key(place(i), names_[static_cast<size_t>(i)]); }
  int64_t classes() const override { return size(); }
  std::string class_name(int64_t c) const override { return key(c); }
  int64_t group(int64_t c) const override { return c; }
  LeftOut left_out() const override { return left_out_; }
  Image get(int64_t i) const override { return decode_image(encoded(i), decode_, where(i)); }
  std::vector<std::byte> encoded(int64_t i) const override {
    if (place(i).size > static_cast<int64_t>(kMaxImageBytes))
      throw DataError("captions: expected an image of at most 256 MiB, got " + std::to_string(place(i).size) +
                      " bytes in " + where(i) + "; remove it");
    return shards_->read(place(i));
  }

 private:
  std::string where(int64_t i) const { return shards_->where(place(i), names_[static_cast<size_t>(i)]); }
  const Place& place(int64_t i) const { return places_.at(static_cast<size_t>(i)); }

  std::shared_ptr<const Shards> shards_;
  DecodeOptions decode_;
  std::vector<Place> places_;
  std::vector<std::string> names_;
  LeftOut left_out_;
};

class ShardCaptions : public TextDataset {
 public:
  ShardCaptions(std::shared_ptr<const Shards> shards, std::shared_ptr<const ImageDataset> images)
      : shards_(std::move(shards)), images_(std::move(images)) {}

  /// Adds the captions of the next image.
  void add(const Place& place, const std::string& name, const std::vector<std::string>& captions) {
    for (uint32_t n = 0; n < captions.size(); ++n) {
      samples_.push_back({sample_id(captions[n]), static_cast<uint32_t>(members_.size()), n,
                          static_cast<uint16_t>(std::min<size_t>(captions[n].size(), UINT16_MAX))});
    }
    members_.push_back({place, is_json(name)});
  }

  int64_t size() const override { return static_cast<int64_t>(samples_.size()); }
  int64_t label(int64_t i) const override { return sample(i).member; }
  uint64_t id(int64_t i) const override { return sample(i).id; }
  std::string key(int64_t i) const override {
    return images_->key(label(i)) + " caption " + std::to_string(sample(i).number + 1);
  }
  int64_t classes() const override { return static_cast<int64_t>(members_.size()); }
  std::string class_name(int64_t c) const override { return images_->class_name(c); }
  int64_t group(int64_t c) const override { return c; }
  int64_t bytes(int64_t i) const override { return sample(i).bytes; }
  std::string get(int64_t i) const override {
    const Member& member = members_[sample(i).member];
    const std::string ending = member.is_json ? ".json" : ".txt";
    std::vector<std::string> captions =
        captions_in(shards_->read(member.place), member.place, ending, shards_->where(member.place, ending));
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
  std::shared_ptr<const ImageDataset> images_;
  std::vector<Member> members_;  // by image
  std::vector<Sample> samples_;
};

/// Opens the shards in order and fills the set.
class Opener {
 public:
  Opener(const ImageSourceConfig& source, const BadRecordConfig& bad_records, const DecodeOptions& decode)
      : source_(source),
        bad_records_(bad_records),
        shards_(std::make_shared<Shards>(expand_paths(source.path))),
        images_(std::make_shared<ShardImages>(shards_, decode)),
        captions_(std::make_shared<ShardCaptions>(shards_, images_)) {}

  ImageTextSet run() {
    for (size_t s = 0; s < shards_->count(); ++s) add_shard(static_cast<uint32_t>(s));
    check_bad_share(set_.bad, images_->size() + set_.bad, bad_records_, set_.messages);
    if (set_.bad > 0) {
      LeftOut bad;
      bad.add("caption|captions of shards in error (on_bad_record: skip); repair the shards",
              set_.messages.front(), set_.bad);
      images_->leave_out(bad);
    }
    if (images_->size() == 0)
      throw DataError("captions: expected images with captions, got none in the shards of '" + source_.path +
                      "'");
    set_.images = images_;
    set_.captions = captions_;
    set_.rows = captions_->size();
    sort_captions(set_, images_->size());
    return std::move(set_);
  }

 private:
  void add_shard(uint32_t shard) {
    const PositionedFile file(shards_->path(shard));
    const ShardKeys found = keys_of(index_tar(file), kCaptionEndings);
    LeftOut passed;
    for (const auto& [reason, what] : found.left_out.reasons())
      passed.add(reason, file.path() + "!" + what.example, what.count);
    images_->leave_out(passed);
    for (size_t n = 0; n < found.bad.first.size(); ++n)
      refuse(found.bad.message_for(n, file.path()) + "; rename or remove one of them");
    set_.bad += found.bad.count - static_cast<int64_t>(found.bad.first.size());
    for (const ShardKey& key : found.keys)
      if (source_.part.is_whole() || !key.complete() || source_.part.has(key.image->name))
        add_key(shard, key);
  }

  void add_key(uint32_t shard, const ShardKey& key) {
    if (!key.complete()) {
      if (!source_.skip_incomplete)
        throw DataError("captions: expected an image and a .txt or .json for " + key.only() + " in " +
                        shards_->path(shard) + "; complete it, or set skip_incomplete: true");
      LeftOut incomplete;
      incomplete.add("key|keys of shards without image or caption (skip_incomplete); complete the shards",
                     key.only() + " in " + shards_->path(shard));
      return images_->leave_out(incomplete);
    }
    const TarMember& text = *key.text();
    const Place place{shard, text.offset, text.size};
    const auto bytes = text.size > kMaxCaptionBytes ? std::vector<std::byte>() : shards_->read(place);
    std::vector<std::string> captions;
    try {
      captions = captions_in(bytes, place, text.name, shards_->where(place, text.name));
    } catch (const DataError& error) {
      return refuse(error.what());
    }
    captions_->add(place, text.name, captions);
    images_->add({shard, key.image->offset, key.image->size}, key.image->name);
  }

  void refuse(const std::string& message) {
    if (!bad_records_.skips()) throw DataError(message);
    ++set_.bad;
    if (set_.messages.size() < kMessages) set_.messages.push_back(message);
  }

  const ImageSourceConfig& source_;
  const BadRecordConfig& bad_records_;
  std::shared_ptr<Shards> shards_;
  std::shared_ptr<ShardImages> images_;
  std::shared_ptr<ShardCaptions> captions_;
  ImageTextSet set_;
};

}  // namespace

ImageTextSet open_image_text_shards(const ImageSourceConfig& source, const BadRecordConfig& bad_records,
                                    const DecodeOptions& decode) {
  return Opener(source, bad_records, decode).run();
}

}  // namespace lodestone::sampler
