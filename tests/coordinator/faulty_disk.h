#pragma once

#include <cstdint>
#include <filesystem>

namespace lodestone::testing {

/// What goes wrong at the chosen system call.
enum class Fault { kNone, kNoSpace, kIoError, kShortWrite, kInterrupted, kPowerCut };

/// What a power cut leaves of what was not fsynced: data of files, and names in folders (new ones, renames).
struct Remains {
  double data = 1;    ///< share of each file's bytes
  bool names = true;  ///< did they reach the disk?
};

/// While it lives, the n-th call (from 1) of open, write, pread, fsync, rename or mkdir that this thread
/// makes below `root` fails. The calls of this program are caught by functions of the same names in it: no
/// preloading, no mount. A power cut makes what is lost be lost and ends the process with code kCut.
class FaultyDisk {
 public:
  static constexpr int kCut = 9;

  FaultyDisk(const std::filesystem::path& root, Fault fault, int64_t n, Remains remains = {});
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  /// How many calls there were so far.
  int64_t calls() const;
  /// Did the fault happen? (A rename isn't interrupted and an fsync isn't short.)
  bool struck() const;
};

}  // namespace lodestone::testing
