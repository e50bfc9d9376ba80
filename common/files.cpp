#include "common/files.h"

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/open_file.h"
#include "common/printable.h"

namespace lodestone {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& operation, const fs::path& path, int code) {
  std::string message =
      "files: cannot " + operation + " " + path.string() + ": " + std::generic_category().message(code);
  if (code == ENOSPC) message += "; free space on this file system and run again";
  if (code == EACCES || code == EROFS || code == EPERM)
    message += "; check the permissions or choose another folder";
  if (code == ENOENT && operation == "create") message += "; make its folder first";
  throw IoError(message);
}

// Closes on scope exit; close() also reports errors that the kernel returns only then.
class Descriptor {
 public:
  /// `fd` is the result of open(2) with `flags`. Errors name `known_as`, the file as the user knows it.
  Descriptor(const fs::path& known_as, int fd, int flags) : path_(known_as), fd_(fd) {
    if (fd_ < 0) fail((flags & O_CREAT) != 0 ? "create" : "open", path_, errno);
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void write_all(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail("write", path_, written < 0 ? errno : EIO);
      bytes.remove_prefix(static_cast<size_t>(written));
    }
  }
  void sync() const {
    int result = 0;
    do result = ::fsync(fd_);
    while (result != 0 && errno == EINTR);
    if (result != 0) fail("fsync", path_, errno);
  }
  void close() {
    const int fd = std::exchange(fd_, -1);
    if (::close(fd) != 0 && errno != EINTR) fail("close", path_, errno);
  }
  int get() const { return fd_; }

 private:
  fs::path path_;
  int fd_ = -1;
};

}  // namespace

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  const Descriptor file(path, open_regular(path, O_RDONLY), O_RDONLY);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail("stat", path, errno);
  if (static_cast<uint64_t>(status.st_size) > max_bytes)
    throw IoError("files: " + path.string() + ": expected at most " + std::to_string(max_bytes) +
                  " bytes, got " + std::to_string(status.st_size));
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", path, errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

namespace {

constexpr int kNewFile = O_WRONLY | O_CREAT | O_TRUNC;

void write_synced(const fs::path& path, std::string_view bytes, const fs::path& known_as) {
  Descriptor file(known_as, open_regular(path, kNewFile), kNewFile);
  file.write_all(bytes);
  file.sync();
  file.close();
}

// A device or a pipe cannot be replaced: a rename would put a regular file in its place, even in /dev.
bool is_special(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

// Waits only for a reader that is there.
int open_special(const fs::path& path) {
  const int fd = open_at_once(path, O_WRONLY | O_NOCTTY);
  if (fd < 0 && errno == ENXIO)
    throw IoError("files: expected a reader at the other end of the pipe, got none: " + path.string() +
                  "; start it first, or name a file");
  if (fd >= 0) ::fcntl(fd, F_SETFL, 0);  // blocking
  return fd;
}

void sync_folder_of(const fs::path& path) {
  sync_folder(path.parent_path().empty() ? fs::path(".") : path.parent_path());
}

}  // namespace

void write_file_synced(const fs::path& path, std::string_view bytes) {
  write_synced(path, bytes, path);
}

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  if (is_special(path)) {
    Descriptor file(path, open_special(path), O_WRONLY);
    file.write_all(bytes);
    return file.close();
  }
  const fs::path temporary = path.string() + ".tmp" + std::to_string(::getpid());
  try {
    write_synced(temporary, bytes, path);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail("replace", path, errno);
    sync_folder_of(path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void sync_folder(const fs::path& folder) {
  const Descriptor descriptor(folder, open_at_once(folder, O_RDONLY | O_DIRECTORY), O_RDONLY);
  descriptor.sync();
}

void rename_synced(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail("rename " + from.string() + " to", to, errno);
  sync_folder_of(to);
}

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail("create the folder", folder, error.value());
}

std::string checksum(std::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : canonical.digest) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

TempFolder::TempFolder() {
  std::error_code error;
  const fs::path folder = fs::temp_directory_path(error);
  if (error) {
    const char* chosen = std::getenv("TMPDIR");
    throw IoError("files: expected a folder for temporary files, got TMPDIR=" +
                  printable(chosen == nullptr ? "" : chosen) +
                  ", which is not a folder; set it to a writable folder");
  }
  std::string pattern = (folder / "lodestone-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) fail("create a temporary folder", pattern, errno);
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace lodestone
