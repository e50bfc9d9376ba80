#include "sampler/files/gunzip.h"

#include <memory>

#include <archive.h>
#include <archive_entry.h>

#include "common/error.h"
#include "sampler/files/positioned_file.h"

namespace lodestone::sampler {

namespace {

struct Free {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

[[noreturn]] void refuse(const std::string& path, const std::string& got) {
  throw DataError("gzip: expected a valid gzip file, got " + got + " in " + path + "; fetch it again");
}

std::vector<std::byte> gunzip(const std::string& path, int64_t max_bytes) {
  const std::unique_ptr<archive, Free> reader(archive_read_new());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_entry* entry = nullptr;
  const auto reason = [&] {
    const char* text = archive_error_string(reader.get());
    return "'" + std::string(text == nullptr ? "unknown error" : text) + "'";
  };
  if (archive_read_open_filename(reader.get(), path.c_str(), size_t{1} << 16) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK)
    refuse(path, reason());
  if (archive_filter_code(reader.get(), 0) != ARCHIVE_FILTER_GZIP) refuse(path, "another format");
  std::vector<std::byte> content;
  std::vector<std::byte> piece(size_t{1} << 16);
  for (;;) {
    const la_ssize_t got = archive_read_data(reader.get(), piece.data(), piece.size());
    if (got < 0) refuse(path, reason());
    if (got == 0) return content;
    if (static_cast<int64_t>(content.size()) + got > max_bytes)
      refuse(path, "more than " + std::to_string(max_bytes) + " bytes of content");
    content.insert(content.end(), piece.begin(), piece.begin() + got);
  }
}

}  // namespace

std::vector<std::byte> read_maybe_gzip(const std::string& path, int64_t max_bytes) {
  if (path.ends_with(".gz")) return gunzip(PositionedFile(path).path(), max_bytes);
  const PositionedFile file(path);
  if (file.size() > max_bytes)
    throw DataError("file: expected at most " + std::to_string(max_bytes) + " bytes, got " +
                    std::to_string(file.size()) + " in " + path);
  return file.read(0, file.size());
}

}  // namespace lodestone::sampler
