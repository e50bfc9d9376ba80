#include "trainer/commands/thread_spin.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include <unistd.h>

namespace lodestone {

void spin_briefly(char** words) {
  // Help and the version compute nothing.
  if (words[0] == nullptr || words[1] == nullptr || words[1][0] == '-') return;
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  ::setenv("GOMP_SPINCOUNT", "10000", /*overwrite=*/0);
  // By its own name, which ps shows. Where there is none any more this returns, and threads spin longer.
  std::error_code unknown;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", unknown).string();
  ::execv(program.c_str(), words);
}

}  // namespace lodestone
