#pragma once

namespace lodestone {

/// How far the resident memory of this process rises above where it stood when this was made. Linux.
/// Limits     one at a time: making one starts the process's peak anew
/// Throws     IoError if /proc/self is not as expected
class PeakMemory {
 public:
  PeakMemory();
  double extra_mib() const;

 private:
  double before_;
};

}  // namespace lodestone
