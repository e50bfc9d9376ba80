#pragma once

#include <atomic>
#include <future>
#include <stdexcept>
#include <string>

#include "common/error.h"
#include "support/http.h"
#include "trainer/http/http_server.h"

namespace lodestone::testing {
using namespace http;

inline constexpr const char* kJson = "Content-Type: application/json\r\n";

/// A web server with closed routes and an open one.
class Server {
 public:
  explicit Server(HttpOptions options = {}, HttpServer::Watch watch = {})
      : server_(
            std::move(options), [this](const std::string& path) { return route(path); }, std::move(watch)) {}

  int port() const { return server_.port(); }
  HttpReply ask(const std::string& method, const std::string& path, const std::string& more = "",
                const std::string& body = "") const {
    return http(port(), http_text(method, path, body, more));
  }
  HttpReply raw(const std::string& text) const { return http(port(), text); }
  int echoed() const { return echoed_; }

  /// Until somebody has asked for /held, who is answered after release().
  void wait_until_held() const { held_.get_future().wait(); }
  void release() const { released_.set_value(); }

 private:
  const HttpRoute* route(const std::string& path) const {
    if (path == "/page") return &page_;
    if (path == "/echo") return &echo_;
    if (path == "/held") return &hold_;
    if (path == "/quick") return &quick_;
    return path == "/open" ? &open_ : nullptr;
  }
  std::atomic<int> echoed_ = 0;
  const HttpRoute page_{false, false, [](const HttpRequest&) {
                          return HttpAnswer{200, "text/plain", "a page"};
                        }};
  const HttpRoute open_{false, true, [](const HttpRequest&) {
                          return HttpAnswer{200, "text/plain", "open"};
                        }};
  const HttpRoute echo_{true, false, [this](const HttpRequest& request) {
                          const std::string& body = request.body;
                          ++echoed_;
                          if (body == "\"bad\"") throw DataError("that is bad");
                          if (body == "\"bug\"") throw std::runtime_error("secret of the house");
                          return HttpAnswer{200, "application/json", body};
                        }};
  mutable std::promise<void> held_, released_;
  const HttpRoute hold_{true, false, [this](const HttpRequest&) {
                          held_.set_value();
                          released_.get_future().wait();
                          return HttpAnswer{200, "text/plain", "at last"};
                        }};
  const HttpRoute quick_ = [] {
    HttpRoute route{true, false, [](const HttpRequest& request) {
                      return HttpAnswer{200, "text/plain", "later: " + std::to_string(request.body.size())};
                    }};
    route.try_begin = [](const HttpRequest& request, const HttpDone& done) {
      if (request.body == "\"bad\"") throw DataError("that is bad");
      if (request.body == "\"slow\"") return false;
      done({200, "text/plain", "at once"});
      return true;
    };
    return route;
  }();
  HttpServer server_;
};

/// What the error says that a server of these options gives.
inline std::string refusal(HttpOptions options) {
  options.settings = "the address";
  try {
    const Server server(options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace lodestone::testing
