#include "trainer/data/shard_writer.h"

#include <utility>

#include <archive.h>
#include <archive_entry.h>
#include <sys/types.h>

#include "common/error.h"
#include "common/files.h"

namespace lodestone::data {

namespace {

struct FreeArchive {
  void operator()(archive* handle) const { archive_write_free(handle); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

la_ssize_t append(archive*, void* client, const void* buffer, size_t length) {
  static_cast<std::string*>(client)->append(static_cast<const char*>(buffer), length);
  return static_cast<la_ssize_t>(length);
}

}  // namespace

struct ShardWriter::Impl {
  std::filesystem::path path;
  std::string bytes;
  std::unique_ptr<archive, FreeArchive> handle;

  void check(la_ssize_t code, const std::string& what) const {
    if (code >= 0) return;
    const char* reason = archive_error_string(handle.get());
    throw DataError("shard " + path.string() + ": cannot " + what + ": " +
                    (reason ? reason : "unknown reason"));
  }
};

ShardWriter::ShardWriter(std::filesystem::path path) : impl_(std::make_unique<Impl>()) {
  Impl& state = *impl_;
  state.path = std::move(path);
  state.handle.reset(archive_write_new());
  state.check(archive_write_set_format_ustar(state.handle.get()), "choose the format");
  state.check(archive_write_set_bytes_in_last_block(state.handle.get(), 1), "choose the block size");
  state.check(archive_write_open(state.handle.get(), &state.bytes, nullptr, &append, nullptr), "begin");
}

ShardWriter::~ShardWriter() = default;

void ShardWriter::add(const std::string& name, std::string_view bytes) {
  const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_mtime(entry.get(), 0, 0);
  impl_->check(archive_write_header(impl_->handle.get(), entry.get()), "add the member " + name);
  impl_->check(archive_write_data(impl_->handle.get(), bytes.data(), bytes.size()), "add the member " + name);
}

void ShardWriter::add(const std::string& name, std::span<const uint8_t> bytes) {
  add(name, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

ShardFile ShardWriter::close() {
  impl_->check(archive_write_close(impl_->handle.get()), "end");
  write_file_synced(impl_->path, impl_->bytes);
  return {impl_->path.filename().string(), impl_->bytes.size(), checksum(impl_->bytes)};
}

}  // namespace lodestone::data
