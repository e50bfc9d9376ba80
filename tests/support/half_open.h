#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/http.h"

namespace lodestone::testing {

/// Clients that connect, send the beginning of a request, and are silent from then on.
class HalfOpen {
 public:
  /// Connects from `addresses` in turn; each client sends `start`.
  HalfOpen(int port, size_t count, const std::vector<std::string>& addresses = {"127.0.0.1"},
           const std::string& start = "GET / HT") {
    for (size_t i = 0; i < count; ++i) {
      clients_.push_back(
          std::make_unique<HttpClient>(port, "127.0.0.1", addresses[i % addresses.size()].c_str()));
      clients_.back()->send(start);
    }
  }
  const HttpClient& operator[](size_t i) const { return *clients_[i]; }

 private:
  std::vector<std::unique_ptr<HttpClient>> clients_;
};

/// Loopback addresses from 127.0.`third`.1 on.
inline std::vector<std::string> loopback_addresses(size_t count, int third) {
  std::vector<std::string> all;
  for (size_t i = 1; i <= count; ++i)
    all.push_back("127.0." + std::to_string(third) + "." + std::to_string(i));
  return all;
}

}  // namespace lodestone::testing
