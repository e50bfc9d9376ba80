#pragma once

#include <c10/core/Device.h>

namespace lodestone {

/// Measures how far memory rises above its level at construction: on the CPU the resident memory of this
/// process (Linux), on a GPU the memory of this process's tensors.
/// Limits    one object at a time per device: construction resets the peak.
/// Throws    IoError if /proc/self has an unexpected format.
class PeakMemory {
 public:
  explicit PeakMemory(c10::Device device = c10::kCPU);
  double extra_mib() const;

 private:
  c10::Device device_;
  double before_;
};

}  // namespace lodestone
