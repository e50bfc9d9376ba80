#include "common/file_lock.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/files.h"
#include "common/open_file.h"

namespace lodestone {

FileLock::FileLock(const std::filesystem::path& file, std::chrono::milliseconds patience)
    : fd_(open_regular(file.string() + ".lock", O_WRONLY | O_CREAT)) {
  if (fd_ < 0)
    throw IoError("files: cannot lock " + file.string() + " by a file .lock beside it: " +
                  std::strerror(errno) + "; make its folder, or check its permissions");
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    if ((reason == EWOULDBLOCK || reason == EINTR) && std::chrono::steady_clock::now() < deadline) {
      ::poll(nullptr, 0, 20);
      continue;
    }
    ::close(fd_);
    throw IoError(
        reason == EWOULDBLOCK
            ? file.string() +
                  ": expected to be its only writer, got a lock that another process holds; try again"
            : file.string() + ".lock: " + std::strerror(reason));
  }
}

FileLock::~FileLock() {
  ::close(fd_);
}

}  // namespace lodestone
