#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lodestone::http {

/// Where and how a server listens, and its limits.
struct HttpOptions {
  /// An IP address of this host.
  std::string address = "127.0.0.1";
  /// 0: any free port
  int port = 0;
  /// "Basic ..." or "Bearer ..." that clients must send; empty: none is required.
  std::string authorization;
  /// PEM file with private key and certificate chain: HTTPS, TLS 1.2 or later; empty: HTTP
  std::string certificate;
  /// Completely received requests in progress; more are answered 503.
  int max_requests = 64;
  /// Connections per client address; 0: max_requests and half of the remaining connections.
  int max_per_address = 0;
  /// Largest body in bytes.
  size_t max_body = size_t{16} << 20;
  /// Bytes of all bodies that are being received or answered; at least max_body.
  size_t max_bodies = size_t{256} << 20;
  /// Time for a client to send a request, or to receive an answer.
  std::chrono::milliseconds patience = std::chrono::seconds(10);
  /// Names of the settings for error messages: of address and port, and of the certificate.
  std::string settings = "address and port", certificate_setting = "certificate";
  /// Receives problems that occur while serving.
  std::function<void(const std::string&)> warn = {};
};

/// The value of the "Authorization" header for a user and password, and for a token.
std::string basic_authorization(const std::string& user, const std::string& password);
std::string bearer_authorization(const std::string& token);
/// The first line of a file: a password or a token. `setting` is named in errors.
/// Throws    ConfigError if there is none
std::string read_secret(const std::string& file, const std::string& setting);
/// A warning if users other than the owner can read a file that holds a secret; otherwise empty.
std::string exposed_secret(const std::string& file, const std::string& setting);
/// Whether an address is reachable only from this host.
bool is_loopback(const std::string& address);

/// A request as a route gets it.
struct HttpRequest {
  std::string body = {};
  std::map<std::string, std::string> query = {};  ///< the parameters of the path, decoded: UTF-8
  std::string method = "GET";
  std::string type = {};    ///< Content-Type, with its parameters
  std::string accept = {};  ///< the media types that the client prefers
};

/// An answer of a route.
struct HttpAnswer {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< more headers: names and values
};

/// An answer with the body {"error": what}.
HttpAnswer http_error(int status, const std::string& what);
/// How a path writes errors.
using HttpErrorForm = std::function<HttpAnswer(int status, const std::string& what)>;
/// The answer for an exception of a route: 400 for DataError and ConfigError, 500 without the text for
/// others.
HttpAnswer http_failure(const std::exception_ptr& error, const HttpErrorForm& form = http_error);

/// Receives an answer, from any thread.
using HttpDone = std::function<void(HttpAnswer)>;

/// Largest body for which a route is asked to begin without another thread.
constexpr size_t kQuickBody = 8192;

/// What a server does for requests to one path.
struct HttpRoute {
  bool post = false;  ///< requires POST with a JSON body or none; otherwise GET or HEAD without a body
  bool open = false;  ///< answered without authorization, and at any load
  std::function<HttpAnswer(const HttpRequest& request)> answer;
  bool always = false;   ///< answered at any load, with authorization
  bool files = false;    ///< with post: bodies may be application/octet-stream or multipart/form-data too
  bool removes = false;  ///< without post: DELETE is supported too
  /// In place of `answer`, for an answer that others make while no thread waits for it: calls `done` once,
  /// then or later, or throws before that.
  std::function<void(const HttpRequest& request, HttpDone done)> begin = {};
  /// Tried first for bodies of at most kQuickBody bytes, on the thread that serves all connections: it must
  /// neither wait nor take long. False: it has done nothing, and `begin` or `answer` gets the request.
  std::function<bool(const HttpRequest& request, const HttpDone& done)> try_begin = {};
  HttpErrorForm error = http_error;  ///< form of every refusal at this path
};

/// A web server for the given routes and nothing else: no path leads to a file. It limits headers (8 KiB),
/// bodies, time, requests in progress and connections, and turns exceptions into answers: DataError and
/// ConfigError into 400, others into 500 without their text. A page of another site cannot make a browser
/// send a POST or a DELETE: a JSON body needs a CORS permission that the server never gives; of requests
/// without one, Origin must be this host and Sec-Fetch-Site this origin, if the client sends them. Nor can
/// such a page read answers: on the loopback address without authorization, the server answers only requests
/// whose Host is localhost or an IP address.
///
/// At most max_requests + 64 connections are open. A client beyond them, or beyond those of its address,
/// replaces the client that has kept the server waiting longest for a complete head or body, so that idle
/// clients block nobody. If half of the connections are taken, the time to send a head is reduced to a tenth.
///
/// Memory    a body that is being received takes its received bytes only; beyond max_bodies the slowest one
///           is dropped
/// Threads   routes are called concurrently, on threads of the server
class HttpServer {
 public:
  using Routes = std::function<const HttpRoute*(const std::string& path)>;
  /// Called for every answer before it is sent, with the path of a known route (or
  /// "other"), the status and the seconds.
  using Watch = std::function<void(const std::string& path, int status, double seconds)>;

  /// Throws    ConfigError if the address is invalid or in use, or if the certificate is not usable
  HttpServer(HttpOptions options, Routes routes, Watch watch = {});
  /// Waits for the answers in progress.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lodestone::http
