#include "trainer/coordinator/run_folder.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/files.h"

namespace lodestone {

RunFolder RunFolder::of_checkpoint(const std::filesystem::path& checkpoint) {
  return RunFolder(std::filesystem::absolute(checkpoint).lexically_normal().parent_path().parent_path());
}

std::string RunFolder::name() const {
  const auto absolute = std::filesystem::absolute(root_).lexically_normal();
  return (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
}

void RunFolder::prepare(std::string_view config_yaml) const {
  make_folders(checkpoints());
  write_file_atomic(config(), config_yaml);
}

RunLock::RunLock(const RunFolder& folder)
    : fd_(::open((folder.root() / ".lock").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) {
  // File systems without locks (some network ones) leave the folder unguarded rather than unusable.
  if (fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(fd_);
    throw IoError("run folder: another process is training in " + folder.root().string() +
                  "; wait for it to end or choose another run_dir");
  }
}

RunLock::~RunLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace lodestone
