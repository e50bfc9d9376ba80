#include "common/output_file.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "common/files.h"
#include "common/open_file.h"

namespace lodestone {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMostLinks = 40;  // as the kernel allows
constexpr int kPollIntervalMs = 20;

[[noreturn]] void fail(const fs::path& path, int code) {
  throw IoError("files: cannot write " + path.string() + ": " + std::generic_category().message(code));
}

// The folder that has the name, without links; "" if there is none.
std::string folder_of(const fs::path& path) {
  std::error_code unknown;
  return fs::canonical(path.has_parent_path() ? path.parent_path() : fs::path("."), unknown).string();
}

bool is_in_proc(const fs::path& path) {
  return folder_of(path).starts_with("/proc/");
}

// The descriptor of this process that the path names.
std::optional<int> own_descriptor(const fs::path& path) {
  const std::string name = path.filename().string();
  const bool number = !name.empty() && name.size() < 9 &&
                      std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); });
  std::error_code unknown;
  if (!number || folder_of(path) != fs::canonical("/proc/self/fd", unknown).string()) return {};
  return std::stoi(name);
}

void write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd waited{fd, POLLOUT, 0};
      ::poll(&waited, 1, -1);
    } else if (errno != EINTR) {
      fail(path, errno);
    }
  }
}

// Into the middle of what the process prints, at its place there: a file that is opened again is written from
// its beginning.
void write_to_descriptor(int fd, std::string_view bytes, const fs::path& path) {
  std::cout.flush();
  std::fflush(stdout);
  write_all(fd, bytes, path);
}

void write_to_fifo(const fs::path& fifo, std::string_view bytes, std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  int fd = -1;
  while ((fd = open_at_once(fifo, O_WRONLY)) < 0 && errno == ENXIO && Clock::now() < deadline)
    ::poll(nullptr, 0, kPollIntervalMs);
  if (fd < 0 && errno == ENXIO)
    throw IoError("files: expected a reader at the other end of the pipe, got none for " +
                  std::to_string(patience.count()) + " ms: " + fifo.string() +
                  "; start it first, or name a file");
  if (fd < 0) fail(fifo, errno);
  try {
    write_all(fd, bytes, fifo);
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
}

}  // namespace

fs::path behind_links(const fs::path& path) {
  fs::path place = path;
  for (int links = 0; links < kMostLinks; ++links) {
    std::error_code none;
    const fs::path next = fs::read_symlink(place, none);
    if (none || is_in_proc(place)) return place;
    place = place.parent_path() / next;
  }
  throw IoError("files: " + path.string() + ": expected a link to a file, got links that form a circle");
}

void write_output(const fs::path& path, std::string_view bytes, std::chrono::milliseconds patience) {
  const fs::path place = behind_links(path);
  std::error_code unknown;
  if (const auto fd = own_descriptor(place)) {
    write_to_descriptor(*fd, bytes, path);
  } else if (fs::is_fifo(place, unknown)) {
    write_to_fifo(place, bytes, patience);
  } else {
    write_file_atomic(place, bytes);
  }
}

}  // namespace lodestone
