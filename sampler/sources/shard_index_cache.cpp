#include "sampler/sources/shard_index_cache.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <xxhash.h>

#include "common/files.h"
#include "common/paths.h"

namespace lodestone::sampler {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "lodestone shard index 3\n";
constexpr int64_t kNanoseconds = 1'000'000'000;
constexpr int64_t kHeadBytes = 4096;

class Writer {
 public:
  void number(uint64_t value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof(value)); }
  void text(std::string_view value) {
    number(value.size());
    bytes += value;
  }
  void column(const std::vector<uint32_t>& values) {
    text({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(uint32_t)});
  }
  std::string bytes;
};

/// Reads what Writer wrote; `sound` becomes false at the first contradiction.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  uint64_t number() {
    uint64_t value = 0;
    const std::string_view raw = take(sizeof(value));
    if (sound) std::memcpy(&value, raw.data(), sizeof(value));
    return value;
  }
  /// A count: not negative.
  // Of members: a shard with more would have 2^49 bytes. So counts may be added without overflow.
  int64_t count() {
    constexpr uint64_t kMost = uint64_t{1} << 40;
    const uint64_t value = number();
    sound &= value <= kMost;
    return sound ? static_cast<int64_t>(value) : 0;
  }
  std::string_view text() { return take(number()); }
  std::vector<uint32_t> column() {
    const std::string_view raw = text();
    sound &= raw.size() % sizeof(uint32_t) == 0;
    std::vector<uint32_t> values(sound ? raw.size() / sizeof(uint32_t) : 0);
    if (!values.empty()) std::memcpy(values.data(), raw.data(), raw.size());
    return values;
  }
  bool at_end() const { return sound && left_.empty(); }
  bool sound = true;

 private:
  std::string_view take(uint64_t size) {
    if (!sound || size > left_.size()) {
      sound = false;
      return {};
    }
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  std::string_view left_;
};

void write(const LeftOut& left_out, Writer& out) {
  out.number(left_out.reasons().size());
  for (const auto& [reason, what] : left_out.reasons()) {
    out.text(reason);
    out.number(static_cast<uint64_t>(what.count));
    out.text(what.example);
  }
}

LeftOut read_left_out(Reader& in) {
  LeftOut left_out;
  for (uint64_t left = in.number(); left > 0 && in.sound; --left) {
    const std::string reason(in.text());
    const int64_t count = in.count();
    left_out.add(reason, std::string(in.text()), count);
  }
  return left_out;
}

void write(const BadMembers& bad, Writer& out) {
  out.number(static_cast<uint64_t>(bad.count));
  out.number(bad.first.size());
  for (const auto& [message, where] : bad.first) {
    out.text(message);
    out.text(where);
  }
}

BadMembers read_bad(Reader& in) {
  BadMembers bad;
  bad.count = in.count();
  for (uint64_t left = in.number(); left > 0 && in.sound; --left) {
    std::string message(in.text());
    bad.first.push_back({std::move(message), std::string(in.text())});
  }
  return bad;
}

bool plausible(const ShardIndex& index, const ShardStamp& stamp) {
  const size_t n = index.block.size();
  if ((index.bad.count == 0) != index.bad.first.empty()) return false;
  if (index.size.size() != n || index.name_end.size() != n || index.class_of.size() != n) return false;
  uint32_t end = 0;
  for (size_t i = 0; i < n; ++i) {
    if (index.offset(i) > stamp.bytes || index.size[i] > stamp.bytes - index.offset(i)) return false;
    if (index.name_end[i] < end || index.name_end[i] > index.names.size()) return false;
    if (index.class_of[i] >= index.classes.size()) return false;
    end = index.name_end[i];
  }
  return end == index.names.size();
}

ShardStamp stamp_of(const PositionedFile& file) {
  const auto head = file.read(0, std::min(kHeadBytes, file.size()));
  return {file.size(), file.changed(), XXH3_64bits(head.data(), head.size())};
}

fs::path cache_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value == nullptr ? "" : user_path(value, name));
  };
  if (const fs::path own = variable("LODESTONE_CACHE"); !own.empty()) return own / "shard-indexes";
  if (const fs::path xdg = variable("XDG_CACHE_HOME"); !xdg.empty())
    return xdg / "lodestone" / "shard-indexes";
  if (const fs::path home = variable("HOME"); !home.empty())
    return home / ".cache" / "lodestone" / "shard-indexes";
  return {};
}

std::vector<fs::path> places(const PositionedFile& file, const IndexCache& where) {
  const fs::path shard = absolute_path(file.path());
  const auto below = [&](const fs::path& folder) {
    return folder /
           (shard.filename().string() + "-" + checksum(shard.lexically_normal().string()) + ".index");
  };
  if (where.place == IndexCache::Place::kNone) return {};
  if (where.place == IndexCache::Place::kFolder) return {below(where.folder)};
  std::vector<fs::path> all{shard.parent_path() / ("." + shard.filename().string() + ".index")};
  if (const fs::path folder = cache_folder(); !folder.empty()) all.push_back(below(folder));
  return all;
}

bool written(const fs::path& path, const std::string& bytes) {
  try {
    make_folders(path.parent_path());
    write_file_atomic(path, bytes);
    return true;
  } catch (const IoError&) {
    return false;
  }
}

}  // namespace

std::string encode_shard_index(const ShardIndex& index, const ShardStamp& stamp) {
  Writer out;
  out.bytes = kMagic;
  for (const uint64_t number : {static_cast<uint64_t>(stamp.bytes), static_cast<uint64_t>(stamp.changed),
                                stamp.head, static_cast<uint64_t>(index.incomplete)})
    out.number(number);
  out.text(index.first_incomplete);
  write(index.left_out, out);
  write(index.bad, out);
  for (const auto* column : {&index.block, &index.size, &index.name_end, &index.class_of})
    out.column(*column);
  out.text(index.names);
  out.number(index.classes.size());
  for (const auto& [name, group] : index.classes) {
    out.text(name);
    out.text(group);
  }
  out.number(XXH3_64bits(out.bytes.data(), out.bytes.size()));
  return std::move(out.bytes);
}

std::optional<ShardIndex> decode_shard_index(std::string_view bytes, const ShardStamp& stamp) {
  if (bytes.size() < kMagic.size() + sizeof(uint64_t) || !bytes.starts_with(kMagic)) return {};
  const std::string_view content = bytes.substr(0, bytes.size() - sizeof(uint64_t));
  if (Reader(bytes.substr(content.size())).number() != XXH3_64bits(content.data(), content.size())) return {};
  Reader in(content.substr(kMagic.size()));
  ShardStamp found;
  found.bytes = static_cast<int64_t>(in.number());
  found.changed = static_cast<int64_t>(in.number());
  found.head = in.number();
  if (found != stamp) return {};
  ShardIndex index;
  index.incomplete = in.count();
  index.first_incomplete = in.text();
  index.left_out = read_left_out(in);
  index.bad = read_bad(in);
  for (auto* column : {&index.block, &index.size, &index.name_end, &index.class_of}) *column = in.column();
  index.names = in.text();
  for (uint64_t left = in.number(); left > 0 && in.sound; --left) {
    std::string name(in.text());
    index.classes.push_back({std::move(name), std::string(in.text())});
  }
  if (!in.at_end() || !plausible(index, stamp)) return {};
  return index;
}

ShardIndex cached_shard_index(const PositionedFile& file, const IndexCache& where) {
  const std::vector<fs::path> candidates = places(file, where);
  const ShardStamp stamp = candidates.empty() ? ShardStamp{} : stamp_of(file);
  // Names and classes are in the shard too; a few are also in messages, where a byte may take four.
  const uint64_t most = 4 * static_cast<uint64_t>(stamp.bytes) + (uint64_t{1} << 20);
  for (const fs::path& path : candidates) {
    try {
      if (auto index = decode_shard_index(read_file(path, most), stamp)) return std::move(*index);
    } catch (const IoError&) {  // missing or unreadable: rebuilt below
    }
  }
  ShardIndex index = index_shard(file);
  const int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  if (candidates.empty() || stamp.changed > now - 2 * kNanoseconds) return index;
  const std::string bytes = encode_shard_index(index, stamp);
  for (const fs::path& path : candidates)
    if (written(path, bytes)) break;
  return index;
}

}  // namespace lodestone::sampler
