#include <algorithm>
#include <array>
#include <set>

#include <nlohmann/json.hpp>

#include "common/counted.h"
#include "common/error.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/paths.h"
#include "common/printable.h"
#include "sampler/files/path_patterns.h"
#include "sampler/files/positioned_file.h"
#include "sampler/sources/shard_keys.h"
#include "sampler/sources/tar_index.h"
#include "trainer/init/find.h"

namespace lodestone::init {

namespace {

constexpr std::array<std::string_view, 3> kTexts{".cls", ".json", ".txt"};
constexpr size_t kKeysLooked = 200;
constexpr int64_t kMaxTextBytes = 1 << 20;
constexpr double kCaptionsDiffer = 0.5;  // of the texts: classes repeat

bool is_shard(const std::string& name) {
  return small_name(name).ends_with(".tar");
}

std::string text_of(const sampler::PositionedFile& file, const sampler::TarMember& member) {
  const auto bytes = file.read(member.offset, std::min(member.size, kMaxTextBytes));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What the texts beside the images of a shard are.
struct ShardTexts {
  Content content = Content::kImages;
  std::string guessed_from;  ///< "*.txt", if it may be otherwise
};

// Whether the texts of a kind differ, as captions do: classes repeat.
template <typename Text>
bool differ(const sampler::PositionedFile& file, const std::vector<sampler::ShardKey>& keys, size_t kind,
            const Text& text) {
  std::set<std::string> distinct;
  size_t looked = 0;
  const size_t stride = std::max<size_t>(1, keys.size() / kKeysLooked);
  for (size_t k = 0; k < keys.size(); k += stride)
    if (keys[k].texts[kind]) {
      distinct.insert(text(text_of(file, *keys[k].texts[kind])));
      ++looked;
    }
  return static_cast<double>(distinct.size()) > kCaptionsDiffer * static_cast<double>(looked);
}

ShardTexts plain_texts(const sampler::PositionedFile& file, const std::vector<sampler::ShardKey>& keys) {
  const bool captions = differ(file, keys, 2, [](const std::string& text) { return text; });
  return {captions ? Content::kCaptions : Content::kImages, "*.txt"};
}

bool has_caption(const nlohmann::json& json) {
  return json.contains("captions") || json.contains("caption") || json.contains("text");
}

std::string class_of(const std::string& text) {
  const auto json = read_json(text).value_or(nullptr);
  return json.is_object() && json.contains("class") ? json_text(json["class"]) : "";
}

ShardTexts texts_of(const std::string& path) {
  const sampler::PositionedFile file(path);
  const sampler::ShardKeys found = sampler::keys_of(sampler::index_tar(file), kTexts);
  const auto key = std::ranges::find_if(found.keys, [](const sampler::ShardKey& k) { return k.complete(); });
  if (key == found.keys.end())
    throw DataError(
        "init: expected images with a class (*.cls, *.json) or a caption (*.txt, *.json) in the shard " +
        printable(path) + ", got " + counted(static_cast<int64_t>(found.keys.size()), "key") +
        " without both; a sample is KEY.jpg and KEY.cls, as in WebDataset");
  if (key->texts[0]) return {Content::kImages, ""};
  if (!key->texts[1]) return plain_texts(file, found.keys);
  const auto json = read_json(text_of(file, *key->texts[1])).value_or(nullptr);
  const bool is_class = json.is_object() && json.contains("class");
  const bool is_caption = json.is_object() && has_caption(json);
  if (is_class && is_caption)
    return {differ(file, found.keys, 1, class_of) ? Content::kCaptions : Content::kImages, "*.json"};
  if (is_class || is_caption) return {is_class ? Content::kImages : Content::kCaptions, ""};
  throw DataError("init: expected the key class, or caption, in " + printable(key->texts[1]->name) + " of " +
                  printable(path) + ", got neither; write one of them");
}

}  // namespace

bool has_shards(const Place& place) {
  if (place.is_folder) return std::ranges::any_of(place.files, is_shard);
  return is_shard(place.path);
}

Finding find_shards(const Place& place) {
  Finding finding;
  finding.what = "tar shards";
  if (!place.is_folder) {
    finding.train.path = place.path;
  } else {
    std::vector<std::string> names;
    std::ranges::copy_if(place.files, std::back_inserter(names), is_shard);
    const auto chosen = choose_by_use(place, names, finding.others);
    finding.train.path = chosen ? chosen->train : pattern_of(place, names);
    if (chosen) finding.evaluate.path = chosen->evaluate;
  }
  const ShardTexts texts = texts_of(sampler::expand_paths(finding.train.path).front());
  finding.content = texts.content;
  const bool captions = texts.content == Content::kCaptions;
  finding.what += captions ? " of images with captions" : " of images and their classes";
  if (!texts.guessed_from.empty()) {
    std::string guess = "the " + texts.guessed_from + " beside the images ";
    guess += captions ? "have captions, since few classes are equal; if classes matter, set data.kind: images"
                      : "have classes, since many are equal; if captions matter, set data.kind: image_texts";
    finding.guesses.push_back(guess);
  }
  return finding;
}

}  // namespace lodestone::init
