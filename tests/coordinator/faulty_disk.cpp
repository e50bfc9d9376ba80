#include "tests/coordinator/faulty_disk.h"

#include <cerrno>
#include <cstdarg>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lodestone::testing {

namespace {

namespace fs = std::filesystem;

// A name that came to be and that its folder's fsync has yet to make durable.
struct NewName {
  std::string from, to;                 // from is empty: made, not renamed
  std::optional<std::string> replaced;  // where a copy of what `to` was before is kept
};

struct Disk {
  std::string root;
  Fault fault = Fault::kNone;
  int64_t n = 0, calls = 0;
  bool struck = false;
  Remains remains;
  std::map<int, std::string> paths;  // of open descriptors
  std::set<std::string> dirty;       // files with data that isn't synced
  std::vector<NewName> names;
};

thread_local std::unique_ptr<Disk> g_disk;

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool watched(const char* path) {
  return g_disk && std::string_view(path).starts_with(g_disk->root);
}
bool watched(int fd) {
  return g_disk && g_disk->paths.contains(fd);
}

std::string parent(const std::string& path) {
  return fs::path(path).parent_path();
}

// Where a path leads once `from`, which is it or a folder above it, is called `to`.
std::string moved(const std::string& path, const std::string& from, const std::string& to) {
  const bool below = path.starts_with(from) && (path.size() == from.size() || path[from.size()] == '/');
  return below ? to + path.substr(from.size()) : path;
}

void move_all(Disk& disk, const std::string& from, const std::string& to) {
  std::set<std::string> dirty;
  for (const auto& path : disk.dirty) dirty.insert(moved(path, from, to));
  disk.dirty = dirty;
  for (auto& [fd, path] : disk.paths) path = moved(path, from, to);
  for (auto& name : disk.names) {
    name.from = moved(name.from, from, to);
    name.to = moved(name.to, from, to);
  }
}

void cut_power() {
  const auto disk = std::move(g_disk);  // what follows isn't watched
  for (const auto& path : disk->dirty) {
    std::error_code ignored;
    const auto size = fs::file_size(path, ignored);
    if (!ignored)
      fs::resize_file(path, static_cast<uintmax_t>(static_cast<double>(size) * disk->remains.data), ignored);
  }
  while (!disk->remains.names && !disk->names.empty()) {
    std::error_code ignored;
    const NewName name = disk->names.back();
    disk->names.pop_back();
    if (name.from.empty()) {
      fs::remove_all(name.to, ignored);
    } else {
      fs::rename(name.to, name.from, ignored);
      move_all(*disk, name.to, name.from);
    }
    if (name.replaced) fs::rename(*name.replaced, name.to, ignored);
  }
  ::_exit(FaultyDisk::kCut);
}

// Counts a call; says whether it is the one, and whether it then fails with errno set.
bool strikes() {
  if (++g_disk->calls != g_disk->n) return false;
  if (g_disk->fault == Fault::kPowerCut) cut_power();
  return true;
}
bool fails(bool can_be_interrupted) {
  if (!strikes()) return false;
  switch (g_disk->fault) {
    case Fault::kNoSpace:
      errno = ENOSPC;
      break;
    case Fault::kIoError:
      errno = EIO;
      break;
    case Fault::kInterrupted:
      if (!can_be_interrupted) return false;
      errno = EINTR;
      break;
    default:
      return false;
  }
  return g_disk->struck = true;
}

}  // namespace

FaultyDisk::FaultyDisk(const fs::path& root, Fault fault, int64_t n, Remains remains) {
  g_disk = std::make_unique<Disk>();
  g_disk->root = root.string();
  g_disk->fault = fault;
  g_disk->n = n;
  g_disk->remains = remains;
}
FaultyDisk::~FaultyDisk() {
  g_disk.reset();
}
int64_t FaultyDisk::calls() const {
  return g_disk->calls;
}
bool FaultyDisk::struck() const {
  return g_disk->struck;
}

}  // namespace lodestone::testing

using lodestone::testing::Fault;
using lodestone::testing::g_disk;

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  static const auto next = lodestone::testing::real<int(const char*, int, ...)>("open");
  if (!lodestone::testing::watched(path)) return next(path, flags, mode);
  if (lodestone::testing::fails(true)) return -1;
  const bool makes = (flags & O_CREAT) != 0 && ::access(path, F_OK) != 0;
  const int fd = next(path, flags, mode);
  if (fd < 0) return fd;
  g_disk->paths[fd] = path;
  if (makes) g_disk->names.push_back({"", path, {}});
  if (flags & O_TRUNC) g_disk->dirty.insert(path);
  return fd;
}

int close(int fd) {
  static const auto next = lodestone::testing::real<int(int)>("close");
  if (g_disk) g_disk->paths.erase(fd);
  return next(fd);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  static const auto next = lodestone::testing::real<ssize_t(int, const void*, size_t)>("write");
  if (!lodestone::testing::watched(fd)) return next(fd, bytes, size);
  if (lodestone::testing::fails(true)) return -1;
  g_disk->dirty.insert(g_disk->paths[fd]);
  if (g_disk->fault == Fault::kShortWrite && g_disk->calls == g_disk->n && size > 1) {
    g_disk->struck = true;
    size /= 2;
  }
  return next(fd, bytes, size);
}

ssize_t pread(int fd, void* bytes, size_t size, off_t offset) {
  static const auto next = lodestone::testing::real<ssize_t(int, void*, size_t, off_t)>("pread");
  if (lodestone::testing::watched(fd) && lodestone::testing::fails(true)) return -1;
  return next(fd, bytes, size, offset);
}

int fsync(int fd) {
  static const auto next = lodestone::testing::real<int(int)>("fsync");
  if (!lodestone::testing::watched(fd)) return next(fd);
  if (lodestone::testing::fails(true)) return -1;
  const std::string path = g_disk->paths[fd];
  g_disk->dirty.erase(path);
  std::erase_if(g_disk->names, [&](const auto& name) { return lodestone::testing::parent(name.to) == path; });
  return next(fd);
}

int rename(const char* from, const char* to) {
  static const auto next = lodestone::testing::real<int(const char*, const char*)>("rename");
  if (!lodestone::testing::watched(to)) return next(from, to);
  if (lodestone::testing::fails(false)) return -1;
  std::optional<std::string> replaced;
  if (::access(to, F_OK) == 0) {
    replaced = g_disk->root + ".replaced-" + std::to_string(g_disk->calls);
    if (::link(to, replaced->c_str()) != 0) replaced.reset();
  }
  const int result = next(from, to);
  if (result != 0) return result;
  lodestone::testing::move_all(*g_disk, from, to);
  g_disk->names.push_back({from, to, replaced});
  return result;
}

int mkdir(const char* path, mode_t mode) {
  static const auto next = lodestone::testing::real<int(const char*, mode_t)>("mkdir");
  if (!lodestone::testing::watched(path)) return next(path, mode);
  if (lodestone::testing::fails(false)) return -1;
  const int result = next(path, mode);
  if (result == 0) g_disk->names.push_back({"", path, {}});
  return result;
}

}  // extern "C"
