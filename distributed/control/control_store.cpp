#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <unistd.h>

#include "common/error.h"
#include "common/torch_error.h"
#include "distributed/control/control_thread.h"

namespace lodestone::distributed {

namespace {

constexpr std::chrono::milliseconds kConnectTimeout{60'000};

// TCPStore itself listens on every interface, and anybody who connects can write to it.
int listen_on_loopback(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(fd, SOMAXCONN) == 0) {
    return fd;
  }
  ::close(fd);
  throw ConfigError("control plane: expected port " + std::to_string(port) +
                    " of this host to be free, but it is taken; set MASTER_PORT to another");
}

c10d::TCPStoreOptions store_options(const ControlOptions& options) {
  c10d::TCPStoreOptions wanted;
  wanted.port = static_cast<uint16_t>(options.port);
  wanted.waitWorkers = false;
  wanted.timeout = kConnectTimeout;
  return wanted;
}

// Rank 0 publishes the generation unencrypted, so that the message can name it, and a second time sealed.
void check_generation(const ControlOptions& options, const std::string& published, const std::string& place) {
  const size_t space = published.find(' ');
  const std::string number = published.substr(0, space);
  if (number != std::to_string(options.generation)) {
    throw ConfigError("control plane: this process belongs to generation " +
                      std::to_string(options.generation) + " of the job, but generation " + number +
                      " runs at " + place + "; end the older one");
  }
  const std::string sealed = space == std::string::npos ? "" : published.substr(space + 1);
  if (Seal(options.token, options.generation).open("generation", sealed) != number) {
    throw ConfigError("control plane: expected a rank 0 of this job at " + place +
                      ", got one with another token; choose another MASTER_PORT, or give all ranks the same "
                      "LODESTONE_JOB_TOKEN");
  }
}

}  // namespace

c10::intrusive_ptr<c10d::Store> serve_store(ControlOptions& options) {
  c10d::TCPStoreOptions wanted = store_options(options);
  wanted.isServer = true;
  if (options.loopback) {
    wanted.masterListenFd = listen_on_loopback(options.port);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(*wanted.masterListenFd, reinterpret_cast<sockaddr*>(&address), &size);
    wanted.port = ntohs(address.sin_port);
  }
  try {
    auto store = c10::make_intrusive<c10d::TCPStore>(options.host, wanted);
    options.port = store->getPort();
    return store;
  } catch (const std::exception& cause) {
    throw ConfigError("control plane: rank 0 cannot serve at " + options.host + ":" +
                      std::to_string(options.port) +
                      "; choose another MASTER_ADDR or MASTER_PORT: " + torch_reason(cause));
  }
}

c10::intrusive_ptr<c10d::Store> connect_store(const ControlOptions& options) {
  const std::string place = options.host + ":" + std::to_string(options.port);
  c10::intrusive_ptr<c10d::Store> store;
  std::string published;
  try {
    store = c10::make_intrusive<c10d::TCPStore>(options.host, store_options(options));
    published = store->get_to_str("lodestone/generation");
  } catch (const std::exception& cause) {
    throw CommError("control plane: rank " + std::to_string(options.rank) + " cannot reach rank 0 at " +
                    place +
                    "; check that rank 0 runs and that its host accepts connections: " + torch_reason(cause));
  }
  check_generation(options, published, place);
  return store;
}

}  // namespace lodestone::distributed
