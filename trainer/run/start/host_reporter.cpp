#include "trainer/run/start/host_reporter.h"

#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/error.h"
#include "distributed/rendezvous/launch_info.h"

namespace lodestone::run {

namespace {

constexpr std::chrono::milliseconds kBetweenLooks{20};

/// A name in the kernel alone, for ranks that one launcher's process has started: gone with the process
/// that holds it.
struct Name {
  explicit Name(const std::string& sentence) {
    const std::string text =
        "lodestone." + std::to_string(::getppid()) + "." + std::to_string(std::hash<std::string>{}(sentence));
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, text.data(), text.size());
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  }

  sockaddr_un address{};
  socklen_t size = 0;
};

// Holds the name until this process ends. Whether that works decides nothing: local rank 0 speaks.
void hold(const Name& name) {
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) ::bind(fd, reinterpret_cast<const sockaddr*>(&name.address), name.size);
}

bool is_held(const Name& name) {
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool held = ::connect(fd, reinterpret_cast<const sockaddr*>(&name.address), name.size) == 0;
  ::close(fd);
  return held;
}

}  // namespace

bool reports_for_host(const std::string& sentence, std::chrono::milliseconds patience) {
  distributed::LaunchInfo info;
  try {
    info = distributed::discover_launch(distributed::process_environment());
  } catch (const ConfigError&) {
    return true;  // which is what there is to say
  }
  if (info.world == 1) return true;
  const Name name(sentence);
  if (info.local_rank == 0) {
    hold(name);
    return true;
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (is_held(name)) return false;
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return true;
}

std::string rank_prefix() {
  try {
    const auto info = distributed::discover_launch(distributed::process_environment());
    return info.rank > 0 ? "rank " + std::to_string(info.rank) + ": " : "";
  } catch (const ConfigError&) {
    return "";  // the launcher's variables are what is wrong
  }
}

}  // namespace lodestone::run
