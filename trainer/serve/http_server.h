#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

struct mg_context;
struct mg_connection;

namespace lodestone {

struct HttpOptions {
  std::string address = "127.0.0.1";   ///< an IP address of this host
  int port = 0;                        ///< 0: any free one
  std::string token;                   ///< what clients must show; empty: nothing
  int max_requests = 64;               ///< under way at once; more are answered 503 before their body is read
  size_t max_body = size_t{16} << 20;  ///< bytes
  std::chrono::milliseconds patience = std::chrono::seconds(10);  ///< for a client to send its request
};

struct HttpAnswer {
  int status = 200;
  std::string type = "application/json";
  std::string body;
};

/// What stands at a path.
struct HttpRoute {
  bool post = false;  ///< asked by POST with a JSON body; otherwise by GET or HEAD without a body
  bool open = false;  ///< answered without the token, and however much is under way
  std::function<HttpAnswer(const std::string& body)> answer;
};

/// A web server that knows the routes it is given and nothing else: no path leads to a file. It bounds headers (8 KiB), body, time and
/// the number of requests, asks for the token ("Authorization: Bearer TOKEN"), and turns the library's errors into answers
/// ({"error": "..."}): DataError and ConfigError 400, OverloadError 429, others 500 without their words.
/// Threads   routes are called concurrently, each from a thread of its own
class HttpServer {
 public:
  using Routes = std::function<const HttpRoute*(const std::string& path)>;
  /// Told of every answer: path of a known route (or "other"), status and seconds.
  using Watch = std::function<void(const std::string& path, int status, double seconds)>;

  /// Throws ConfigError if the address is none or can't be served at.
  HttpServer(HttpOptions options, Routes routes, Watch watch);
  /// Waits for the answers under way.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }

 private:
  static int begin(mg_connection* connection);
  int serve(mg_connection* connection);
  HttpAnswer answer_for(mg_connection* connection, const HttpRoute* route);
  HttpAnswer read_and_answer(mg_connection* connection, const HttpRoute& route);

  HttpOptions options_;
  Routes routes_;
  Watch watch_;
  std::atomic<int> under_way_ = 0;
  mg_context* context_ = nullptr;
  int port_ = 0;
};

}  // namespace lodestone
