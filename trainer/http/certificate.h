#pragma once

// Internal to the web server.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/ssl/context.hpp>
#include <sys/stat.h>

#include "trainer/http/http_server.h"

namespace lodestone::http {

/// The private key and certificate chain of a server, as its file contains them now, since certificates are
/// renewed while a server runs. A connection keeps the one it began with.
/// Threads   one thread uses the object
class Certificate {
 public:
  /// Throws    ConfigError if the file holds no usable key and certificate
  explicit Certificate(const HttpOptions& options);

  /// The context for a new connection. If the file is not usable now, that is reported once and the previous
  /// context stays.
  std::shared_ptr<boost::asio::ssl::context> current();

 private:
  // Distinguishes versions of a file without reading it.
  struct Stamp {
    ino_t number = 0;
    off_t size = -1;
    timespec written{}, changed{};
    bool operator==(const Stamp& other) const;
  };
  Stamp stamp() const;

  const std::string file_, settings_;
  const std::function<void(const std::string&)> warn_;
  Stamp seen_;
  /// When reading an unusable file is tried again.
  std::optional<std::chrono::steady_clock::time_point> again_;
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace lodestone::http
