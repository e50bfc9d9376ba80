#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/cpu_count.h"
#include "common/error.h"
#include "common/host_name.h"
#include "distributed/launch.h"
#include "trainer/coordinator/build_info.h"
#include "trainer/run/doctor/doctor_checks.h"

namespace lodestone::run {

namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

constexpr uint64_t kMiB = uint64_t{1} << 20;

std::string size(uint64_t bytes) {
  return bytes >> 34 ? std::to_string(bytes >> 30) + " GiB" : std::to_string(bytes >> 20) + " MiB";
}

Finding cores() {
  const CpuLimits limits = cpu_limits();
  std::string text = std::to_string(limits.usable());
  nlohmann::json figures = {{"cores", limits.usable()}};
  if (limits.bound < limits.machine)
    text += "; this process is bound to " + std::to_string(limits.bound) + " of " +
            std::to_string(limits.machine);
  if (limits.quota) {
    text += "; its control group may use " + formatted("%g", *limits.quota) + " CPUs' worth of time (" +
            limits.quota_file + ")";
    figures["quota"] = *limits.quota;
  }
  return {"cores", text, Level::kGood, figures};
}

// The smaller of the machine's memory and the control group's limit.
Finding memory() {
  uint64_t bytes =
      static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGE_SIZE));
  uint64_t limit = 0;
  std::ifstream file("/sys/fs/cgroup/memory.max");
  const bool limited = file >> limit && limit < bytes;
  if (limited) bytes = limit;
  return {"memory",
          size(bytes) + (limited ? ", a limit of the control group" : ""),
          Level::kGood,
          {{"bytes", bytes}}};
}

Finding shared_memory() {
  struct statvfs status {};
  if (::statvfs("/dev/shm", &status) != 0)
    return {"/dev/shm", "missing: MPI ranks of one host need it; mount a tmpfs there", Level::kFails};
  const uint64_t free = uint64_t{status.f_bavail} * status.f_frsize;
  const bool small = free < 64 * kMiB;
  return {"/dev/shm",
          size(free) + " free" +
              (small ? ": under 64 MiB, too little for MPI; enlarge it (containers: --shm-size, or an "
                       "emptyDir in memory)"
                     : ""),
          small ? Level::kFails : Level::kGood,
          {{"free_bytes", free}}};
}

Finding limit(const char* what, int resource, uint64_t least, Level below, const char* remedy,
              uint64_t unit = 1) {
  struct rlimit now {};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &now);
  if (now.rlim_cur == RLIM_INFINITY) return {what, "unlimited", Level::kGood};
  const bool few = now.rlim_cur < least;
  return {what,
          std::to_string(now.rlim_cur / unit) + (unit == kMiB ? " MiB" : "") +
              (few ? std::string(": ") + remedy : ""),
          few ? below : Level::kGood,
          {{"limit", now.rlim_cur}}};
}

Finding gpus() {
  int count = 0;
  std::error_code none;
  for (fs::directory_iterator at("/proc/driver/nvidia/gpus", none), end; !none && at != end;
       at.increment(none))
    ++count;
  const std::string problem = distributed::gpu_problem();
  const std::string counted = count == 0 ? "none" : std::to_string(count);
  if (count > 0 && !problem.empty())
    return {"GPUs", counted + ", which this program cannot use: " + problem, Level::kNote, {{"gpus", count}}};
  return {"GPUs", counted, Level::kGood, {{"gpus", count}}};
}

Finding own_name() {
  const std::string name = host_name();
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(name.c_str(), nullptr, nullptr, &found);
  if (found) ::freeaddrinfo(found);
  if (code == 0) return {"host name", name, Level::kGood};
  return {"host name",
          name + " does not resolve (" + ::gai_strerror(code) +
              "): ranks of other hosts may not find this one; add it to DNS or /etc/hosts",
          Level::kNote};
}

}  // namespace

std::string formatted(const char* format, double a, double b, double c) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), format, a, b, c);
  return text.data();
}

Finding check_ports(int port, int ranks_here) {
  const std::string what =
      ranks_here == 1 ? "port " + std::to_string(port)
                      : "ports " + std::to_string(port) + " to " + std::to_string(port + ranks_here - 1);
  for (int p = port; p < port + ranks_here; ++p) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(p));
    const bool taken = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0;
    const int reason = errno;
    ::close(fd);
    if (taken)
      return {what,
              std::to_string(p) + " cannot be listened at: " + std::strerror(reason) +
                  "; choose another metrics.port",
              Level::kFails};
  }
  return {what, "free", Level::kGood};
}

std::vector<Finding> check_host() {
  std::vector<Finding> all = {
      {"lodestone", coordinator::lodestone_version()},
      {"LibTorch", coordinator::libtorch_version()},
      cores(),
      memory(),
      gpus(),
      shared_memory(),
      limit("open files", RLIMIT_NOFILE, 1024, Level::kNote, "few for many ranks or shards; ulimit -n 65536"),
      limit("processes", RLIMIT_NPROC, 1024, Level::kNote,
            "few for the threads of all ranks of a host; ulimit -u 65536"),
      limit("locked memory", RLIMIT_MEMLOCK, ~uint64_t{0}, Level::kGood,
            "enough except for RDMA, which needs it unlimited", kMiB),
      own_name(),
  };
  for (const auto& backend : distributed::backend_table())
    all.push_back(
        {"backend " + backend.name, backend.problem.empty() ? "ready" : "absent: " + backend.problem});
  std::error_code error;
  if (!fs::exists("/usr/share/fonts/truetype/noto", error))
    all.push_back({"fonts",
                   "absent: `lodestone data typefaces` needs font packages; ./dev demo installs them",
                   Level::kNote});
  return all;
}

}  // namespace lodestone::run
