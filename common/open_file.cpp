#include "common/open_file.h"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/files.h"

namespace lodestone {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(const fs::path& path) {
  throw IoError("files: expected a regular file, got a FIFO, a socket, a device or a folder: " +
                path.string() + "; move it away, or name another");
}

}  // namespace

int open_at_once(const fs::path& path, int flags, unsigned mode) {
  int fd = -1;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, static_cast<mode_t>(mode));
  while (fd < 0 && errno == EINTR);
  return fd;
}

int open_regular(const fs::path& path, int flags, unsigned mode) {
  const int fd = open_at_once(path, flags, mode);
  // A FIFO without a reader, a socket, a folder.
  if (fd < 0 && (errno == ENXIO || errno == EISDIR)) refuse(path);
  if (fd < 0) return fd;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) return fd;
  ::close(fd);
  refuse(path);
}

}  // namespace lodestone
