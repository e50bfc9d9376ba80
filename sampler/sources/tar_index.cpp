#include "sampler/sources/tar_index.h"

#include <algorithm>
#include <memory>

#include <archive.h>
#include <archive_entry.h>

#include "common/error.h"
#include "sampler/files/path_patterns.h"

namespace lodestone::sampler {

namespace {

constexpr size_t kBlock = 512;
constexpr size_t kMaxName = 4096;

struct Free {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, Free>;

[[noreturn]] void refuse(const PositionedFile& file, int64_t offset, const std::string& got) {
  throw DataError("shard: expected an uncompressed, complete tar, got " + got + " at offset " +
                  std::to_string(offset) + " of " + file.path() + "; fetch or pack the shard again");
}

// libarchive has no text for some of its errors.
std::string reason_of(archive* reader) {
  const char* text = archive_error_string(reader);
  return text == nullptr ? "damage" : "'" + std::string(text) + "'";
}

Reader open(const PositionedFile& file) {
  Reader reader(archive_read_new());
  // Only the tar format and no decompression: then offsets in the stream are offsets in the file.
  archive_read_support_filter_none(reader.get());
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_filename(reader.get(), file.path().c_str(), size_t{1} << 16) != ARCHIVE_OK)
    refuse(file, 0, reason_of(reader.get()));
  return reader;
}

std::string name_of(archive_entry* entry) {
  // Names in pax headers are UTF-8 and may not be representable in the process's locale; other names are raw
  // bytes.
  const char* name = archive_entry_pathname_utf8(entry);
  if (name == nullptr) name = archive_entry_pathname(entry);
  return name == nullptr ? "" : name;
}

// The reason, as in LeftOut, for leaving out a member; null for a regular file.
const char* reason_against(archive_entry* entry, const std::string& name) {
  if (archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr)
    return "link|links in shards, never followed; pack the files themselves";
  if (archive_entry_filetype(entry) != AE_IFREG)
    return "member|members of shards of the kind device or FIFO; pack files alone";
  if (archive_entry_sparse_count(entry) != 0)
    return "member|members of shards stored as sparse files, never read; pack without --sparse";
  if (name.size() > kMaxName)
    return "member|members of shards with a name of more than 4096 bytes; shorten it";
  if (!stays_below(name))
    return "member|members of shards with a name that is absolute or holds ..; pack names below a folder";
  return nullptr;
}

// Without its closing block of zeros, a tar may have lost members at its end without any other sign.
void check_end(const PositionedFile& file, int64_t end) {
  end =
      (end + static_cast<int64_t>(kBlock) - 1) / static_cast<int64_t>(kBlock) * static_cast<int64_t>(kBlock);
  if (end + static_cast<int64_t>(kBlock) <= file.size()) {
    const auto block = file.read(end, kBlock);
    if (std::all_of(block.begin(), block.end(), [](std::byte b) { return b == std::byte{0}; })) return;
  }
  refuse(file, end, "no end-of-archive mark");
}

}  // namespace

TarIndex index_tar(const PositionedFile& file) {
  Reader reader = open(file);
  TarIndex index;
  int64_t end = 0;  // of the last member's content
  for (;;) {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(reader.get(), &entry);
    if (code == ARCHIVE_EOF) break;
    const int64_t offset = archive_filter_bytes(reader.get(), 0);
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) refuse(file, end, reason_of(reader.get()));
    const bool has_content =
        archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr;
    const int64_t size = has_content ? archive_entry_size(entry) : 0;
    const std::string name = name_of(entry);
    if (size < 0 || size > file.size() - offset)
      refuse(file, offset,
             "the end of the file inside member '" + name + "' of " + std::to_string(size) + " bytes");
    end = offset + size;
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    if (const char* reason = reason_against(entry, name))
      index.left_out.add(reason, name);
    else
      index.members.push_back({name, offset, size});
  }
  check_end(file, end);
  return index;
}

}  // namespace lodestone::sampler
