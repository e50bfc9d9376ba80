#include "trainer/commands/thread_spin.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <unistd.h>

#include "trainer/commands/stop_signals.h"

namespace lodestone::commands {

namespace {

// Commands that compute nothing. Processes that launch starts inherit its environment.
constexpr std::array<std::string_view, 4> kWithoutThreads = {"config", "data", "inspect", "launch"};

}  // namespace

void spin_briefly(char** words) {
  // Help and the version compute nothing.
  if (words[0] == nullptr || words[1] == nullptr || words[1][0] == '-') return;
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  ::setenv("GOMP_SPINCOUNT", "10000", /*overwrite=*/0);
  if (std::find(kWithoutThreads.begin(), kWithoutThreads.end(), words[1]) != kWithoutThreads.end()) return;
  // By its own path, which ps shows. If that no longer exists, execv returns, and threads spin longer.
  std::error_code unknown;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", unknown).string();
  // Signals wait until the new image has handlers (before_main.cpp), or begins main, since the handlers of
  // this one end here.
  const sigset_t stops = stop_signals();
  sigset_t former;
  ::sigprocmask(SIG_BLOCK, &stops, &former);
  ::execv(program.c_str(), words);
  ::sigprocmask(SIG_SETMASK, &former, nullptr);
}

}  // namespace lodestone::commands
