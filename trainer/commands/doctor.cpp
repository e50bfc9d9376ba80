#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "distributed/launch.h"
#include "trainer/commands/command.h"
#include "trainer/coordinator/build_info.h"

namespace lodestone {

namespace {

struct Finding {
  std::string what;
  std::string state;
  bool fails = false;  ///< something will not work
};

std::string gibibytes(uint64_t bytes) { return std::to_string(bytes >> 30) + " GiB"; }

Finding shared_memory() {
  struct statvfs status {};
  if (::statvfs("/dev/shm", &status) != 0) return {"/dev/shm", "missing: MPI ranks of one host need it", true};
  const uint64_t free = uint64_t{status.f_bavail} * status.f_frsize;
  const bool small = free < (uint64_t{64} << 20);
  return {"/dev/shm", gibibytes(free) + " free" + (small ? ": under 64 MiB, too little for MPI; enlarge it" : ""), small};
}

Finding open_files() {
  struct rlimit limit {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const bool few = limit.rlim_cur < 256;
  return {"open files", std::to_string(limit.rlim_cur) + (few ? ": raise it, ulimit -n 1024" : ""), few};
}

std::vector<Finding> findings() {
  std::vector<Finding> all = {
      {"lodestone", lodestone_version()},
      {"LibTorch", libtorch_version()},
      {"cores", std::to_string(std::thread::hardware_concurrency())},
      {"memory", gibibytes(static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGE_SIZE)))},
      shared_memory(),
      open_files(),
  };
  for (const auto& backend : backend_table())
    all.push_back({"backend " + backend.name, backend.problem.empty() ? "ready" : "absent: " + backend.problem});
  try {
    const LaunchInfo info = discover_launch(process_environment());
    all.push_back({"launcher", std::string(name_of(info.source)) + ", rank " + std::to_string(info.rank) + " of " +
                                   std::to_string(info.world)});
  } catch (const ConfigError& error) {
    all.push_back({"launcher", error.what(), true});
  }
  std::error_code error;
  if (!std::filesystem::exists("/usr/share/fonts/truetype/noto", error))
    all.push_back({"fonts", "absent: `lodestone data typefaces` needs font packages; ./dev demo installs them"});
  return all;
}

}  // namespace

int run_doctor(bool json) {
  const auto all = findings();
  bool fails = false;
  nlohmann::json lines = nlohmann::json::array();
  size_t width = 0;
  for (const auto& finding : all) width = std::max(width, finding.what.size());
  for (const auto& finding : all) {
    fails = fails || finding.fails;
    lines.push_back({{"what", finding.what}, {"state", finding.state}, {"fails", finding.fails}});
    if (!json)
      std::cout << (finding.fails ? "!! " : "   ") << finding.what << std::string(width - finding.what.size() + 2, ' ')
                << finding.state << "\n";
  }
  if (json) std::cout << lines.dump(2) << "\n";
  return fails ? kRunFailed : kDone;
}

}  // namespace lodestone
