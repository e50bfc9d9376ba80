#pragma once

#include <c10/core/Device.h>

namespace lodestone {

/// How far memory rises above where it stood when this was made: on the CPU the resident memory of this process (Linux), on a
/// GPU what this process's tensors take there.
/// Limits     one at a time and device: making one starts the peak anew
/// Throws     IoError if /proc/self is not as expected
class PeakMemory {
 public:
  explicit PeakMemory(c10::Device device = c10::kCPU);
  double extra_mib() const;

 private:
  c10::Device device_;
  double before_;
};

}  // namespace lodestone
