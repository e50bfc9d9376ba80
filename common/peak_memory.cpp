#include "common/peak_memory.h"

#include <algorithm>
#include <fstream>
#include <string>

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

}  // namespace

PeakMemory::PeakMemory() {
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak starts anew
  before_ = status_mib("VmRSS");
}

double PeakMemory::extra_mib() const {
  return std::max(0.0, status_mib("VmHWM") - before_);
}

}  // namespace lodestone
