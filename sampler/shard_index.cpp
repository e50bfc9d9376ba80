#include "sampler/shard_index.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json_reader.h"
#include "sampler/image_files.h"
#include "sampler/tar_index.h"

namespace lodestone {

namespace {

constexpr int64_t kMaxLabelBytes = int64_t{1} << 20;
constexpr std::array<std::string_view, 3> kLabelEndings{".cls", ".json",
                                                        ".txt"};  // the first that a key has counts

/// A key of one shard: its picture and what says its class.
struct Entry {
  std::optional<TarMember> picture;
  std::array<std::optional<TarMember>, kLabelEndings.size()> labels;

  const TarMember* label() const {
    for (const auto& label : labels)
      if (label) return &*label;
    return nullptr;
  }
};

std::string trimmed(const std::string& text) {
  const char* blank = " \t\r\n";
  const auto begin = text.find_first_not_of(blank);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

class Indexer {
 public:
  explicit Indexer(const PositionedFile& file) : file_(file) {}

  ShardIndex run() {
    TarIndex tar = index_tar(file_);
    index_.refused = tar.refused;
    for (TarMember& member : tar.members) place(member);
    for (const std::string& key : order_) add_entry(key, entries_.at(key));
    return std::move(index_);
  }

 private:
  // The key ends at the first dot of the file name, as WebDataset has it.
  void place(TarMember& member) {
    const auto slash = member.name.rfind('/');
    const auto dot = member.name.find('.', slash == std::string::npos ? 0 : slash + 1);
    if (dot == std::string::npos) return;
    const std::string ending = member.name.substr(dot);
    const bool is_picture = has_image_ending("x" + ending);
    const auto* kind = std::find(kLabelEndings.begin(), kLabelEndings.end(), ending);
    if (!is_picture && kind == kLabelEndings.end()) return;
    const std::string key = member.name.substr(0, dot);
    const auto [found, is_new] = entries_.try_emplace(key);
    if (is_new) order_.push_back(key);
    auto& slot = is_picture ? found->second.picture
                            : found->second.labels[static_cast<size_t>(kind - kLabelEndings.begin())];
    if (slot)
      throw DataError("shard: expected one picture per key and one file of each kind, got '" + slot->name +
                      "' and '" + member.name + "' (offset " + std::to_string(member.offset) + ") in " +
                      file_.path() + "; rename one of them");
    slot = std::move(member);
  }

  void add_entry(const std::string& key, const Entry& entry) {
    const TarMember* label = entry.label();
    if (entry.picture && label != nullptr) {
      index_.add(entry.picture->name, entry.picture->offset, entry.picture->size, class_index(*label));
      return;
    }
    const TarMember& present = entry.picture ? *entry.picture : *label;
    if (index_.incomplete++ == 0)
      index_.first_incomplete = "shard: expected a picture and a .cls, .json or .txt for key '" + key +
                                "', got only '" + present.name + "' (offset " +
                                std::to_string(present.offset) + ") in " + file_.path() +
                                "; complete it, or set skip_incomplete: true";
  }

  uint32_t class_index(const TarMember& member) {
    const std::string where =
        file_.path() + "!" + member.name + " (offset " + std::to_string(member.offset) + ")";
    if (member.size > kMaxLabelBytes)
      throw DataError("shard: expected a class of at most 1 MiB, got " + std::to_string(member.size) +
                      " bytes in " + where);
    const auto bytes = file_.read(member.offset, member.size);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const ShardIndex::Class named =
        member.name.ends_with(".json") ? class_from_json(text, where) : ShardIndex::Class{trimmed(text), ""};
    if (named.name.empty()) throw DataError("shard: expected a class name, got an empty one in " + where);
    const auto [found, is_new] =
        class_indices_.emplace(named.name, static_cast<uint32_t>(index_.classes.size()));
    if (is_new) index_.classes.push_back(named);
    ShardIndex::Class& known = index_.classes[found->second];
    if (known.group.empty()) known.group = named.group;
    if (!named.group.empty() && known.group != named.group)
      throw DataError("shard: expected class '" + named.name + "' in one group, got '" + known.group +
                      "' before and '" + named.group + "' in " + where);
    return found->second;
  }

  static ShardIndex::Class class_from_json(const std::string& text, const std::string& where) {
    const nlohmann::json json = read_json(text).value_or(nullptr);
    const auto found = json.is_object() ? json.find("class") : json.end();
    if (!json.is_object() || found == json.end() || !(found->is_string() || found->is_number_integer()))
      throw DataError("shard: expected {\"class\": name}, got '" + text.substr(0, 80) + "' in " + where);
    const std::string name = found->is_string() ? found->get<std::string>() : found->dump();
    const auto group = json.find("group");
    if (group == json.end() || group->is_null()) return {name, ""};
    if (!group->is_string())
      throw DataError("shard: expected \"group\" to be text, got " + group->dump() + " in " + where);
    return {name, group->get<std::string>()};
  }

  const PositionedFile& file_;
  ShardIndex index_;
  std::unordered_map<std::string, Entry> entries_;
  std::vector<std::string> order_;
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

}  // namespace lodestone
