#pragma once

#include <atomic>
#include <chrono>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lodestone::testing {

/// A TCP port on loopback that forwards connections to another port, with faults on request.
class FaultProxy {
 public:
  enum class Mode {
    kPass,
    kDelay,      ///< every piece is 30 ms late
    kHalfOpen,   ///< connections stay open, but no data passes
    kPartition,  ///< as kHalfOpen, and new connections are not accepted
  };

  explicit FaultProxy(int target)
      : target_(target), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0)
      throw std::runtime_error("fault proxy: cannot bind");
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~FaultProxy() {
    ending_ = true;
    thread_.join();
    reset();
    ::close(listener_);
  }

  int port() const { return port_; }
  void set(Mode mode) { mode_ = mode; }
  /// Ends every connection with a RST.
  void reset() {
    const std::scoped_lock lock(mutex_);
    for (const Pair& pair : pairs_)
      for (const int fd : {pair.first, pair.second}) {
        const linger now{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        ::close(fd);
      }
    pairs_.clear();
  }

 private:
  using Pair = std::pair<int, int>;

  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    return address;
  }

  void run() {
    while (!ending_) {
      if (mode_ != Mode::kPartition) accept_one();
      const std::scoped_lock lock(mutex_);
      if (mode_ == Mode::kHalfOpen || mode_ == Mode::kPartition) continue;
      for (auto pair = pairs_.begin(); pair != pairs_.end();) {
        const bool open = carry(pair->first, pair->second) && carry(pair->second, pair->first);
        if (!open) {
          ::close(pair->first);
          ::close(pair->second);
        }
        pair = open ? std::next(pair) : pairs_.erase(pair);
      }
    }
  }

  void accept_one() {
    pollfd waited{listener_, POLLIN, 0};
    if (::poll(&waited, 1, 1) < 1) return;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(target_);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(client);
      ::close(server);
      return;
    }
    const std::scoped_lock lock(mutex_);
    pairs_.emplace_back(client, server);
  }

  // False when `from` has ended.
  bool carry(int from, int to) {
    pollfd waited{from, POLLIN, 0};
    if (::poll(&waited, 1, 0) < 1) return true;
    std::vector<char> bytes(65536);
    const ssize_t count = ::recv(from, bytes.data(), bytes.size(), 0);
    if (count <= 0) return false;
    if (mode_ == Mode::kDelay) ::poll(nullptr, 0, 30);
    return ::send(to, bytes.data(), static_cast<size_t>(count), MSG_NOSIGNAL) == count;
  }

  const int target_;
  const int listener_;
  int port_ = 0;
  std::atomic<Mode> mode_{Mode::kPass};
  std::atomic<bool> ending_{false};
  std::mutex mutex_;
  std::list<Pair> pairs_;
  std::thread thread_;
};

}  // namespace lodestone::testing
