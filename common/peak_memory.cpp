#include "common/peak_memory.h"

#include <algorithm>
#include <fstream>
#include <string>

#include <c10/core/CachingDeviceAllocator.h>

#include "common/files.h"

namespace lodestone {

namespace {

// A line of /proc/self/status, in MiB.
double status_mib(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return std::stod(line.substr(key.size() + 1)) / 1024;
  throw IoError("peak memory: expected " + key + " in /proc/self/status, got no such line");
}

c10::CachingAllocator::Stat allocated_bytes(c10::Device device) {
  // The first element is the sum over the allocator's pools.
  return c10::getDeviceAllocator(device.type())->getDeviceStats(device.index()).allocated_bytes.front();
}

double mib(int64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

}  // namespace

PeakMemory::PeakMemory(c10::Device device) : device_(device) {
  if (!device.is_cpu()) {
    c10::getDeviceAllocator(device.type())->resetPeakStats(device.index());
    before_ = mib(allocated_bytes(device).current);
    return;
  }
  std::ofstream("/proc/self/clear_refs") << 5;  // resets the peak
  before_ = status_mib("VmRSS");
}

double PeakMemory::extra_mib() const {
  const double peak = device_.is_cpu() ? status_mib("VmHWM") : mib(allocated_bytes(device_).peak);
  return std::max(0.0, peak - before_);
}

}  // namespace lodestone
