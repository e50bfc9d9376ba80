#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace lodestone {

/// What bounds the CPUs that this process may keep busy.
struct CpuLimits {
  int machine = 1;  ///< CPUs that are switched on
  int bound = 1;    ///< those of them that this process may run on: taskset, cpusets, mpirun --bind-to
  std::optional<double> quota;  ///< CPUs' worth of time that its control group may use; unset: no limit
  std::string quota_file;       ///< where the quota stands

  /// Threads that can compute at once: the lesser of `bound` and the quota rounded up; at least 1.
  int usable() const;
};

/// Of this process. The quota is the least of those of its control group and of the groups above it, in cgroup v2 (cpu.max) and in
/// v1 (cpu.cfs_quota_us over cpu.cfs_period_us), whichever are mounted.
/// root   the folder that /proc and the mount points are looked up in; another than / is for tests
CpuLimits cpu_limits(const std::filesystem::path& root = "/");

/// cpu_limits().usable(): how many threads are worth having in this process and those that share its limits.
int cpu_count();

}  // namespace lodestone
