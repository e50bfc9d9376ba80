#include "sampler/sources/shard_index.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/utf8.h"
#include "sampler/sources/image_files.h"
#include "sampler/sources/tar_index.h"

namespace lodestone::sampler {

namespace {

constexpr int64_t kMaxLabelBytes = int64_t{1} << 20;
constexpr std::array<std::string_view, ShardKey::kMaxTexts> kLabelEndings{
    ".cls", ".json", ".txt"};  // the first that exists counts

std::string trimmed(std::string_view member) {
  const std::string_view text = without_mark(member);
  const char* blank = " \t\r\n";
  const auto begin = text.find_first_not_of(blank);
  return begin == std::string_view::npos
             ? ""
             : std::string(text.substr(begin, text.find_last_not_of(blank) - begin + 1));
}

/// A class that cannot be used; it is recorded in the index, and indexing continues.
class BadLabel : public DataError {
  using DataError::DataError;
};

class Indexer {
 public:
  explicit Indexer(const PositionedFile& file) : file_(file) {}

  ShardIndex run() {
    ShardKeys found = keys_of(index_tar(file_), kLabelEndings);
    index_.left_out = std::move(found.left_out);
    index_.bad = std::move(found.bad);
    for (const ShardKey& key : found.keys) add_key(key);
    return std::move(index_);
  }

 private:
  void add_key(const ShardKey& key) {
    if (!key.complete()) {
      if (index_.incomplete++ == 0) index_.first_incomplete = key.only();
      return;
    }
    const TarMember& label = *key.text();
    const bool too_long = label.size > kMaxLabelBytes;
    // A read error of the file is not the record's fault: it ends the indexing.
    const auto bytes = too_long ? std::vector<std::byte>() : file_.read(label.offset, label.size);
    try {
      if (too_long)
        throw BadLabel("shard: expected a class of at most 1 MiB, got " + std::to_string(label.size) +
                       " bytes");
      const uint32_t number =
          class_index(label.name, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
      index_.add(key.image->name, key.image->offset, key.image->size, number);
    } catch (const BadLabel& error) {
      index_.bad.add(error.what(), label);
    }
  }

  uint32_t class_index(const std::string& member, const std::string& text) {
    const bool is_json = lower_case(member).ends_with(".json");
    const ShardIndex::Class named = is_json ? class_from_json(text) : ShardIndex::Class{trimmed(text), ""};
    if (named.name.empty()) throw BadLabel("shard: expected a class name, got an empty one");
    const auto [found, is_new] =
        class_indices_.emplace(named.name, static_cast<uint32_t>(index_.classes.size()));
    if (is_new) index_.classes.push_back(named);
    ShardIndex::Class& known = index_.classes[found->second];
    if (known.group.empty()) known.group = named.group;
    if (!named.group.empty() && known.group != named.group)
      throw BadLabel("shard: expected class '" + named.name + "' in one group, got '" + known.group +
                     "' before and '" + named.group + "'");
    return found->second;
  }

  static ShardIndex::Class class_from_json(const std::string& text) {
    const nlohmann::json json = read_json(text).value_or(nullptr);
    const auto found = json.is_object() ? json.find("class") : json.end();
    if (!json.is_object() || found == json.end() || !(found->is_string() || found->is_number_integer()))
      throw BadLabel("shard: expected {\"class\": name}, got '" + text.substr(0, 80) + "'");
    const std::string name = found->is_string() ? found->get<std::string>() : json_text(*found);
    const auto group = json.find("group");
    if (group == json.end() || group->is_null()) return {name, ""};
    if (!group->is_string()) throw BadLabel("shard: expected \"group\" to be text, got " + json_text(*group));
    return {name, group->get<std::string>()};
  }

  const PositionedFile& file_;
  ShardIndex index_;
  std::unordered_map<std::string, uint32_t> class_indices_;
};

}  // namespace

void ShardIndex::add(std::string_view member, int64_t offset, int64_t bytes, uint32_t class_index) {
  if (offset / 512 > UINT32_MAX || names.size() + member.size() > UINT32_MAX)
    throw DataError("shard: expected at most 2 TiB and 4 GiB of names, got more at member '" +
                    std::string(member) + "'; split the shard");
  block.push_back(static_cast<uint32_t>(offset / 512));
  size.push_back(static_cast<uint32_t>(std::min<int64_t>(bytes, UINT32_MAX)));
  names += member;
  name_end.push_back(static_cast<uint32_t>(names.size()));
  class_of.push_back(class_index);
}

ShardIndex index_shard(const PositionedFile& file) {
  return Indexer(file).run();
}

}  // namespace lodestone::sampler
