#include "sampler/sources/shard_keys.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "sampler/sources/image_files.h"

namespace lodestone::sampler {

namespace {

constexpr size_t kMessages = 20;

std::string place(const TarMember& member) {
  return member.name + " (offset " + std::to_string(member.offset) + ")";
}

bool is_of_macos(std::string_view name) {
  constexpr std::string_view kFolder = "__MACOSX/";
  return name.starts_with(kFolder) || name.find("/__MACOSX/") != std::string_view::npos;
}

class Grouper {
 public:
  explicit Grouper(std::span<const std::string_view> endings) : endings_(endings) {}

  void place_member(const TarMember& member) {
    const auto slash = member.name.rfind('/');
    const size_t base = slash == std::string::npos ? 0 : slash + 1;
    const auto dot = member.name.find('.', base);
    if (dot == base || is_of_macos(member.name))
      return found_.left_out.add(
          "member|members of shards with a hidden or macOS's own name (._*, .*, __MACOSX)", member.name);
    if (dot == std::string::npos) return unread_.add("", member.name);
    const std::string ending = lower_case(member.name.substr(dot));
    const auto text = std::find(endings_.begin(), endings_.end(), ending);
    const bool is_image = is_image_ending(ending);
    if (!is_image && text == endings_.end()) return unread_.add(ending, member.name);
    ShardKey& key = key_of(member.name.substr(0, dot));
    auto& slot = is_image ? key.image : key.texts[static_cast<size_t>(text - endings_.begin())];
    if (!slot)
      slot = member;
    else
      found_.bad.add(
          "shard: expected one image per key and one file of each kind, got '" + slot->name + "' and another",
          member);
  }

  ShardKeys finish() {
    found_.left_out.add(unread_.left_out());
    return std::move(found_);
  }

 private:
  ShardKey& key_of(std::string name) {
    const auto [known, is_new] = numbers_.try_emplace(name, found_.keys.size());
    if (is_new) found_.keys.push_back({std::move(name), {}, {}});
    return found_.keys[known->second];
  }

  std::span<const std::string_view> endings_;
  ShardKeys found_;
  UnreadEndings unread_{"member|members of shards"};
  std::unordered_map<std::string, size_t> numbers_;
};

}  // namespace

void BadMembers::add(std::string message, const TarMember& member) {
  ++count;
  if (first.size() < kMessages) first.push_back({std::move(message), place(member)});
}

std::string BadMembers::message_for(size_t n, const std::string& path) const {
  return first[n].message + " in " + path + "!" + first[n].where;
}

const TarMember* ShardKey::text() const {
  for (const auto& one : texts)
    if (one) return &*one;
  return nullptr;
}

std::string ShardKey::only() const {
  return "key '" + name + "', got only '" + (image ? image->name : text()->name) + "' (offset " +
         std::to_string(image ? image->offset : text()->offset) + ")";
}

ShardKeys keys_of(const TarIndex& tar, std::span<const std::string_view> endings) {
  Grouper grouper(endings);
  for (const TarMember& member : tar.members) grouper.place_member(member);
  ShardKeys found = grouper.finish();
  found.left_out.add(tar.left_out);
  return found;
}

}  // namespace lodestone::sampler
