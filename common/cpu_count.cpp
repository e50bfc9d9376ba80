#include "common/cpu_count.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include <sched.h>
#include <unistd.h>

namespace lodestone {

namespace {

namespace fs = std::filesystem;

/// Where a hierarchy of control groups is mounted, and which part of it is visible there.
struct Mount {
  std::string point, seen;
  bool unified = false;  ///< cgroup version 2
};

bool has_word(const std::string& list, const std::string& word) {
  std::istringstream words(list);
  for (std::string one; std::getline(words, one, ',');)
    if (one == word) return true;
  return false;
}

// mountinfo writes spaces and backslashes in octal: \040.
std::string without_octal(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 3 >= text.size()) {
      out += text[i];
      continue;
    }
    out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return out;
}

// "36 35 98:0 /seen /point rw,noatime shared:1 - cgroup2 cgroup2 rw,nsdelegate"
std::vector<Mount> mounts_with_cpu(const fs::path& root) {
  std::vector<Mount> mounts;
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string skipped, seen, point, word, type, source, options;
    words >> skipped >> skipped >> skipped >> seen >> point;
    while (words >> word && word != "-") continue;
    words >> type >> source >> options;
    const bool unified = type == "cgroup2";
    if (unified || (type == "cgroup" && has_word(options, "cpu")))
      mounts.push_back({without_octal(point), without_octal(seen), unified});
  }
  return mounts;
}

// "0::/path" of version 2, "4:cpu,cpuacct:/path" of version 1.
std::optional<std::string> group_path(const fs::path& root, bool unified) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (unified ? line.starts_with("0::") : has_word(controllers, "cpu")) return line.substr(second + 1);
  }
  return {};
}

// A group outside the visible part of the hierarchy, as in a container, is represented by the mount point
// itself.
fs::path below_mount(const Mount& mount, const std::string& group) {
  const fs::path path = fs::path(group).lexically_relative(mount.seen);
  const bool outside = path.empty() || *path.begin() == ".." || group.starts_with("/..");
  return outside ? fs::path() : path;
}

std::optional<double> quota_of(const fs::path& folder, bool unified, fs::path& source) {
  std::string quota;
  double period = 100'000;
  source = folder / (unified ? "cpu.max" : "cpu.cfs_quota_us");
  std::ifstream file(source);
  if (!(file >> quota)) return {};
  if (unified)
    file >> period;
  else
    std::ifstream(folder / "cpu.cfs_period_us") >> period;
  std::istringstream number(quota);
  double microseconds = 0;
  if (!(number >> microseconds) || microseconds <= 0 || period <= 0) return {};  // "max", -1
  return microseconds / period;
}

void take_quotas(const fs::path& root, const Mount& mount, CpuLimits& limits) {
  const auto group = group_path(root, mount.unified);
  if (!group) return;
  const fs::path top = root / fs::path(mount.point).relative_path();
  const fs::path below = below_mount(mount, *group);
  fs::path folder = top;
  const auto look = [&] {
    fs::path source;
    const auto quota = quota_of(folder, mount.unified, source);
    if (!quota || (limits.quota && *limits.quota <= *quota)) return;
    limits.quota = quota;
    limits.quota_file = source.string();
  };
  look();
  for (const fs::path& name : below) {
    if (name == "." || name.empty()) continue;
    folder /= name;
    look();
  }
}

int count_bound(int machine) {
  // The kernel refuses a set that is smaller than its own.
  for (int most = 1024; most <= 1 << 20; most *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<size_t>(most));
    if (set == nullptr) break;
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(most));
    const bool known = ::sched_getaffinity(0, bytes, set) == 0;
    const int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (known) return std::max(1, count);
  }
  return machine;
}

}  // namespace

int CpuLimits::usable() const {
  if (!quota) return std::max(1, bound);
  // A quota of 1.5 CPUs lets two threads run most of the time.
  const double rounded = std::ceil(*quota - 1e-9);
  return std::max(1, static_cast<int>(std::min<double>(bound, rounded)));
}

CpuLimits cpu_limits(const fs::path& root) {
  CpuLimits limits;
  limits.machine = std::max(1, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
  limits.bound = count_bound(limits.machine);
  for (const Mount& mount : mounts_with_cpu(root)) take_quotas(root, mount, limits);
  return limits;
}

int cpu_count() {
  return cpu_limits().usable();
}

}  // namespace lodestone
