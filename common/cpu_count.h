#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace lodestone {

/// The limits on the number of CPUs that this process can keep busy.
struct CpuLimits {
  int machine = 1;              ///< CPUs that are online
  int bound = 1;                ///< those on which this process may run: taskset, cpusets, mpirun --bind-to
  std::optional<double> quota;  ///< CPUs' worth of time that its control group may use; unset: no limit
  std::string quota_file;       ///< the file with the quota

  /// Number of threads that can compute at once: the smaller of `bound` and the quota rounded up; at least 1.
  int usable() const;
};

/// The limits of this process. The quota is the smallest of those of its control group and the groups above
/// it, in cgroup v2 (cpu.max) and v1 (cpu.cfs_quota_us over cpu.cfs_period_us), whichever are mounted. `root`
/// is the folder in which /proc and the mount points are looked up; tests use another than /.
CpuLimits cpu_limits(const std::filesystem::path& root = "/");

/// cpu_limits().usable(): the number of threads worth starting in this process.
int cpu_count();

}  // namespace lodestone
