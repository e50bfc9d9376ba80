#include "trainer/coordinator/checkpoints/run_folder.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/files.h"
#include "common/open_file.h"
#include "common/paths.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::coordinator {

namespace fs = std::filesystem;

namespace {

bool is_below(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

RunFolder made(const RunFolder& folder) {
  make_folders(folder.root());
  return folder;
}

}  // namespace

RunFolder RunFolder::of_checkpoint(const std::filesystem::path& checkpoint) {
  return RunFolder(absolute_path(checkpoint).parent_path().parent_path());
}

std::string RunFolder::name() const {
  const auto absolute = absolute_path(root_);
  return (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
}

bool RunFolder::holds_run() const {
  std::error_code ignored;
  if (!list_checkpoints(checkpoints()).empty()) return true;
  return fs::is_regular_file(config(), ignored) &&
         (fs::is_regular_file(metrics(), ignored) || fs::is_directory(checkpoints(), ignored));
}

void RunFolder::refuse_foreign() const {
  if (holds_run()) return;
  for (const fs::path& file : {config(), metrics()})
    if (path_exists(file))
      throw ConfigError(
          "run_dir: expected a folder of its own for this run, got " + root_.string() + ", whose " +
          file.filename().string() +
          " does not belong to a run and would be replaced; name another run_dir, or move the file");
}

fs::path RunFolder::set_aside() const {
  std::error_code error;
  const fs::path folder = (absolute_path(root_) / "").lexically_normal().parent_path(),
                 here = fs::current_path(error), aside = free_name(folder);
  const auto refuse = [&](const std::string& got) {
    throw ConfigError(
        "run_dir: expected a folder that can be renamed, so that the earlier run in it can be set aside, "
        "got " +
        folder.string() + ", " + got + "; name a folder below it as run_dir, or move the run by hand");
  };
  if (!error && is_below(here, folder)) refuse("which the command works in");
  fs::rename(folder, aside, error);
  if (error == std::errc::device_or_resource_busy) refuse("which is a mount point or in use");
  if (error) refuse("which can't: " + error.message());
  return aside;
}

fs::path free_name(const fs::path& path) {
  const auto is_taken = [](const fs::path& name) {
    std::error_code error;  // a name that cannot be checked cannot be renamed to, and rename reports why
    const auto type = fs::symlink_status(name, error).type();
    return type != fs::file_type::not_found && type != fs::file_type::none;
  };
  int number = 1;
  while (is_taken(path.string() + "." + std::to_string(number))) ++number;
  return path.string() + "." + std::to_string(number);
}

void RunFolder::prepare(std::string_view config_yaml) const {
  make_folders(checkpoints());
  write_file_atomic(config(), config_yaml);
}

RunLock::RunLock(const RunFolder& folder)
    : fd_(open_regular(made(folder).root() / ".lock", O_WRONLY | O_CREAT)) {
  if (fd_ < 0)
    throw IoError("run folder: cannot open " + (folder.root() / ".lock").string() + ": " +
                  std::generic_category().message(errno) +
                  "; correct that, since two processes must not train in one folder");
  // Some network file systems have no locks: the folder is then used without one.
  if (fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(fd_);
    throw IoError("run folder: another process is training in " + folder.root().string() +
                  "; wait for it to end or choose another run_dir");
  }
}

RunLock::~RunLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace lodestone::coordinator
