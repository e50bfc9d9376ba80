#include "common/pipe_file.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/files.h"
#include "common/open_file.h"

namespace lodestone {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kBlock = size_t{1} << 14;

/// The reading end of a pipe; not open if something else, or nothing, has the name.
class PipeEnd {
 public:
  explicit PipeEnd(const fs::path& path) : path_(path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode)) fd_ = open_at_once(path, O_RDONLY);
  }
  ~PipeEnd() {
    if (fd_ >= 0) ::close(fd_);
  }
  PipeEnd(const PipeEnd&) = delete;
  PipeEnd& operator=(const PipeEnd&) = delete;

  bool open() const { return fd_ >= 0; }

  /// Appends what is written next. Returns false at the end.
  bool read(std::string& bytes, std::chrono::milliseconds patience) const {
    const auto deadline = Clock::now() + patience;
    for (;;) {
      wait_until(deadline, patience);
      std::string block(kBlock, '\0');
      const ssize_t got = ::read(fd_, block.data(), block.size());
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got < 0)
        throw IoError("files: cannot read " + path_.string() + ": " + std::generic_category().message(errno));
      bytes.append(block, 0, static_cast<size_t>(got));
      return got > 0;
    }
  }

 private:
  // A pipe is at its end only once somebody has had it open for writing: poll() knows, read() does not.
  void wait_until(Clock::time_point deadline, std::chrono::milliseconds patience) const {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      pollfd waited{fd_, POLLIN, 0};
      if (left.count() > 0 && ::poll(&waited, 1, static_cast<int>(left.count())) == 1) return;
      if (left.count() <= 0)
        throw IoError("files: expected something to read from the pipe " + path_.string() +
                      ", got nothing for " + std::to_string(patience.count()) +
                      " ms; write to it, or name a file");
    }
  }

  fs::path path_;
  int fd_ = -1;
};

}  // namespace

std::string read_file_or_pipe(const fs::path& path, uint64_t max_bytes, std::chrono::milliseconds patience) {
  const PipeEnd pipe(path);
  if (!pipe.open()) return read_file(path, max_bytes);
  std::string bytes;
  while (pipe.read(bytes, patience))
    if (bytes.size() > max_bytes)
      throw IoError("files: " + path.string() + ": expected at most " + std::to_string(max_bytes) +
                    " bytes, got more");
  if (bytes.empty())
    throw IoError("files: " + path.string() +
                  ": expected something to read from the pipe, got nothing; what a pipe holds can be read "
                  "once: name a file");
  return bytes;
}

}  // namespace lodestone
