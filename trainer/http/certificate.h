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

namespace lodestone {

/// The key and chain of certificates that a server shows: those of its file as they are at the moment, since certificates are renewed
/// while a server runs. A connection keeps what it began with. Threads: from one only.
class Certificate {
 public:
  /// Throws ConfigError if the file has none that can be used.
  explicit Certificate(const HttpOptions& options);

  /// For a new connection. What is in the file now can't be used: that is told once, and the one before it stays.
  std::shared_ptr<boost::asio::ssl::context> current();

 private:
  // What tells one content of a file from another without reading it.
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
  std::optional<std::chrono::steady_clock::time_point>
      again_;  ///< when what could not be read is tried once more
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace lodestone
