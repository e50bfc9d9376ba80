#include <array>
#include <chrono>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/causes.h"
#include "common/files.h"
#include "trainer/run/doctor/doctor_checks.h"

namespace lodestone::run {

namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

constexpr size_t kTrial = size_t{32} << 20;

template <typename Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Finding room(const fs::path& folder) {
  struct statvfs status {};
  ::statvfs(folder.c_str(), &status);
  const uint64_t free = uint64_t{status.f_bavail} * status.f_frsize;
  return {"folder: room",
          std::to_string(free >> 20) + " MiB free" +
              (free < (uint64_t{1} << 30) ? ": little space for checkpoints" : ""),
          free < (uint64_t{1} << 30) ? Level::kNote : Level::kGood,
          {{"free_bytes", free}}};
}

Finding writing(const fs::path& scratch) {
  const std::string bytes(kTrial, 'x');
  const double seconds = seconds_of([&] { write_file_synced(scratch / "trial", bytes); });
  const double rate = static_cast<double>(kTrial) / seconds;
  return {"folder: write and fsync",
          formatted("%.0f MB/s", rate / 1e6) + " over 32 MiB",
          Level::kGood,
          {{"bytes_per_second", rate}}};
}

// Replaces a file by rename while it is open: a reader of the old file keeps it, and a reader that opens the
// name afterwards gets the new one.
Finding renaming(const fs::path& scratch) {
  write_file_synced(scratch / "name", "old");
  const int reader = ::open((scratch / "name").c_str(), O_RDONLY | O_CLOEXEC);
  double seconds = 0;
  std::array<char, 4> kept{};
  write_file_synced(scratch / "new", "new");
  seconds = seconds_of([&] { rename_synced(scratch / "new", scratch / "name"); });
  const bool good = ::pread(reader, kept.data(), 3, 0) == 3 && std::string(kept.data()) == "old" &&
                    read_file(scratch / "name") == "new";
  ::close(reader);
  if (!good)
    return {"folder: rename",
            "does not replace an open file atomically, which checkpoints require; use another file system",
            Level::kFails};
  return {"folder: rename and fsync",
          formatted("%.1f ms", seconds * 1e3) + ", replaces in one step",
          Level::kGood,
          {{"seconds", seconds}}};
}

// The server of the file system sets the timestamps by its own clock.
Finding clock_of(const fs::path& scratch) {
  struct stat status {};
  write_file_synced(scratch / "clock", "x");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  ::stat((scratch / "clock").c_str(), &status);
  const double written =
      static_cast<double>(status.st_mtim.tv_sec) + 1e-9 * static_cast<double>(status.st_mtim.tv_nsec);
  const double ahead = written - std::chrono::duration<double>(now).count();
  const bool off = ahead < -2 || ahead > 2;
  return {"folder: clock",
          formatted("%+.2f s", ahead) + " against this host's" + (off ? ": set both by NTP" : ""),
          off ? Level::kNote : Level::kGood,
          {{"seconds_ahead", ahead}}};
}

}  // namespace

std::vector<Finding> check_folder(const fs::path& folder) {
  const fs::path scratch = folder / (".lodestone-doctor-" + std::to_string(::getpid()));
  std::vector<Finding> all;
  try {
    make_folders(scratch);
    all = {room(folder), writing(scratch), renaming(scratch), clock_of(scratch)};
  } catch (const std::exception& error) {
    all.push_back({"folder", explain_on_a_line(error), Level::kFails});
  }
  std::error_code gone;
  fs::remove_all(scratch, gone);
  return all;
}

}  // namespace lodestone::run
