#include "common/file_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/open_file.h"

namespace lodestone {

namespace {

constexpr size_t kPiece = size_t{1} << 20;  // small enough to stay cached from the write to the comparison

}  // namespace

struct FileWriter::Impl {
  explicit Impl(const std::filesystem::path& file) : path(file), seen(XXH3_createState()) {
    if (!seen) throw std::bad_alloc();
    XXH3_128bits_reset(seen);
    int code = 0;
    try {
      fd = open_regular(path, O_RDWR | O_CREAT | O_TRUNC);
      code = errno;
    } catch (...) {
      XXH3_freeState(seen);
      throw;
    }
    if (fd >= 0) return;
    XXH3_freeState(seen);
    fail("open", code);
  }
  ~Impl() {
    if (fd >= 0) ::close(fd);
    XXH3_freeState(seen);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[noreturn]] void fail(const char* operation, int code) const {
    throw IoError(std::string("files: cannot ") + operation + " " + path.string() + ": " +
                  std::generic_category().message(code) +
                  (code == ENOSPC ? "; free space on this file system and run again" : "") +
                  (code == EACCES || code == EROFS || code == EPERM
                       ? "; check the permissions or choose another folder"
                       : ""));
  }

  void put(std::string_view piece) {
    while (!piece.empty()) {
      const ssize_t written = ::write(fd, piece.data(), piece.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail("write", written < 0 ? errno : EIO);
      piece.remove_prefix(static_cast<size_t>(written));
    }
  }

  void compare(std::string_view piece) {
    char back[1 << 16];
    for (size_t done = 0; done < piece.size();) {
      const size_t wanted = std::min(sizeof back, piece.size() - done);
      const ssize_t got = ::pread(fd, back, wanted, static_cast<off_t>(size + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail("read back", errno);
      if (got == 0 || std::memcmp(back, piece.data() + done, static_cast<size_t>(got)) != 0)
        throw IoError("files: expected " + path.string() +
                      " to read back as written, got other bytes near offset " + std::to_string(size + done) +
                      "; check the disk or choose another folder");
      done += static_cast<size_t>(got);
    }
  }

  std::filesystem::path path;
  XXH3_state_t* seen;
  int fd = -1;
  uint64_t size = 0;
  bool verifies = true;
};

FileWriter::FileWriter(const std::filesystem::path& path, Verification verification)
    : impl_(std::make_unique<Impl>(path)) {
  impl_->verifies = verification == Verification::kAll;
}
FileWriter::~FileWriter() = default;
FileWriter::FileWriter(FileWriter&&) noexcept = default;

uint64_t FileWriter::bytes() const {
  return impl_->size;
}

void FileWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kPiece);
    impl_->put(piece);
    // Only a hint: where the file system does not support it, fsync does all the work.
    ::sync_file_range(impl_->fd, static_cast<off_t>(impl_->size), static_cast<off_t>(piece.size()),
                      SYNC_FILE_RANGE_WRITE);
    if (impl_->verifies) {
      impl_->compare(piece);
      XXH3_128bits_update(impl_->seen, piece.data(), piece.size());
    }
    impl_->size += piece.size();
    bytes.remove_prefix(piece.size());
  }
}

std::string FileWriter::finish() {
  int result = 0;
  do result = ::fsync(impl_->fd);
  while (result != 0 && errno == EINTR);
  if (result != 0) impl_->fail("fsync", errno);
  const int fd = std::exchange(impl_->fd, -1);
  if (::close(fd) != 0 && errno != EINTR) impl_->fail("close", errno);
  if (!impl_->verifies) return {};
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(impl_->seen));
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hexadecimal;
  for (const unsigned char byte : canonical.digest) {
    hexadecimal += kDigits[byte >> 4];
    hexadecimal += kDigits[byte & 15];
  }
  return hexadecimal;
}

}  // namespace lodestone
