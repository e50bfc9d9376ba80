#pragma once

#include <functional>
#include <map>
#include <string>

#include "trainer/coordinator/config.h"

struct mg_context;
struct mg_connection;

namespace lodestone {

/// What a page of the web server answers.
struct WebAnswer {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

/// What stands at a path. `post`: it is asked by POST, changes something, and so needs an authenticated reader.
struct WebPage {
  std::function<WebAnswer()> answer;
  bool post = false;
};
using WebPages = std::map<std::string, WebPage>;

/// A small web server on threads of its own: it knows the pages it is given and nothing else, so that no path leads to a
/// file. Requests are bounded: 8 KiB of headers, no body, 5 seconds, four at a time. With a user configured, every page
/// but /healthz and /readyz asks for the password (HTTP Basic, in the clear).
/// Threads   pages are called concurrently, from threads of the server
class WebServer {
 public:
  /// Serves at config.address and `port`. Throws ConfigError if the address isn't one or can't be served at; or if the
  /// password can't be read.
  WebServer(const MetricsConfig& config, int port, WebPages pages);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  int port() const { return port_; }

 private:
  static int begin(mg_connection* connection);
  int answer(mg_connection* connection) const;
  bool allowed(mg_connection* connection) const;
  WebAnswer answer_for(mg_connection* connection) const;

  MetricsConfig config_;
  int port_;
  WebPages pages_;
  std::string authorization_;  ///< the header that is expected; empty: none
  mg_context* context_ = nullptr;
};

}  // namespace lodestone
