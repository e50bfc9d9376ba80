#include "sampler/files/positioned_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"

namespace lodestone::sampler {

PositionedFile::PositionedFile(std::string path) : path_(std::move(path)) {
  // Without waiting: perhaps nobody ever writes to a FIFO of that name.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) throw DataError("file: cannot open " + path_ + ": " + std::strerror(errno));
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw DataError("file: expected an ordinary file, got a folder, FIFO or device: " + path_);
  }
  size_ = status.st_size;
  changed_ = int64_t{1'000'000'000} * status.st_mtim.tv_sec + status.st_mtim.tv_nsec;
}

PositionedFile::~PositionedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

PositionedFile::PositionedFile(PositionedFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      changed_(other.changed_) {}

std::vector<std::byte> PositionedFile::read(int64_t offset, int64_t length) const {
  std::vector<std::byte> bytes(static_cast<size_t>(length));
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t got =
        ::pread(descriptor_, bytes.data() + done, bytes.size() - done, offset + static_cast<int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      throw DataError("file: expected " + std::to_string(length) + " bytes at offset " +
                      std::to_string(offset) + " of " + path_ + ", got " +
                      (got < 0 ? std::strerror(errno) : "the end of the file") +
                      "; was it changed while in use?");
    done += static_cast<size_t>(got);
  }
  return bytes;
}

}  // namespace lodestone::sampler
