#include "trainer/coordinator/metrics_endpoint.h"

#include <cerrno>
#include <chrono>
#include <future>
#include <string>
#include <system_error>

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"

namespace lodestone {

namespace {

// "127.0.0.1:9400" or "[::1]:9400". Anything but a plain address would be read as the web server's own syntax.
std::string place(const MetricsConfig& config) {
  in6_addr parsed{};
  const std::string port = ":" + std::to_string(*config.port);
  if (::inet_pton(AF_INET, config.address.c_str(), &parsed) == 1) return config.address + port;
  if (::inet_pton(AF_INET6, config.address.c_str(), &parsed) == 1) return "[" + config.address + "]" + port;
  throw ConfigError("metrics.address: expected an IP address such as 127.0.0.1 or 0.0.0.0, got '" +
                    config.address + "'; write the number of the address");
}

// Calls use(socket, address, size) for the configured address and returns the error number it leaves, 0 for none.
template <typename Use>
int with_socket(const MetricsConfig& config, const Use& use) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(config.address.c_str(), std::to_string(*config.port).c_str(), &hints, &found) != 0)
    return EADDRNOTAVAIL;
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int code = fd >= 0 && use(fd, found->ai_addr, found->ai_addrlen) ? 0 : errno;
  if (fd >= 0) ::close(fd);
  ::freeaddrinfo(found);
  return code;
}

// Why the address can't be served at: the web server doesn't say.
std::string bind_problem(const MetricsConfig& config) {
  const int code = with_socket(config, [](int fd, const sockaddr* address, socklen_t size) {
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return ::bind(fd, address, size) == 0 && ::listen(fd, 1) == 0;
  });
  return code == 0 ? "the web server refused it" : std::generic_category().message(code);
}

}  // namespace

MetricsEndpoint::MetricsEndpoint(const MetricsConfig& config,
                                 const std::shared_ptr<prometheus::Collectable>& shown)
    : config_(config) {
  const std::string where = place(config);
  try {
    exposer_ = std::make_unique<prometheus::Exposer>(where);
  } catch (const std::exception&) {
    throw ConfigError(
        "metrics: expected to serve at " + where + ", got: " + bind_problem(config) +
        "; set metrics.port to a free port or to 0 (off), or metrics.address to one of this host");
  }
  exposer_->RegisterCollectable(shown);
}

MetricsEndpoint::~MetricsEndpoint() {
  // The web server looks every two seconds whether it should stop. A run that was told to stop may not have those, so
  // a connection wakes it; again, in case one came before the server was told.
  auto stopped = std::async(std::launch::async, [this] { exposer_.reset(); });
  while (stopped.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready)
    with_socket(config_, [](int fd, const sockaddr* address, socklen_t size) {
      return ::connect(fd, address, size) == 0;
    });
}

}  // namespace lodestone
