#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace lodestone {

struct HttpOptions {
  std::string address = "127.0.0.1";  ///< an IP address of this host
  int port = 0;                       ///< 0: any free one
  std::string authorization;  ///< "Basic ..." or "Bearer ...", which clients must send; empty: nothing
  std::string
      certificate;  ///< PEM file of private key and certificate chain: HTTPS, TLS 1.2 or later; empty: HTTP
  int max_requests = 64;  ///< that have come whole, under way at once; more are answered 503
  int max_per_address =
      0;  ///< connections of one client's address; 0: max_requests and half of what is beside them
  size_t max_body = size_t{16} << 20;  ///< bytes
  size_t max_bodies =
      size_t{256} << 20;  ///< bytes of all that are being received or answered; at least max_body
  std::chrono::milliseconds patience =
      std::chrono::seconds(10);               ///< for a client to send a request, or to take an answer
  std::string settings = "address and port";  ///< what errors say is to be set
  std::function<void(const std::string&)> warn = {};  ///< told what goes wrong while it serves
};

/// What a client must send as "Authorization" for a user and password, and for a token.
std::string basic_authorization(const std::string& user, const std::string& password);
std::string bearer_authorization(const std::string& token);
/// The first line of a file: a password or a token. Throws ConfigError, naming `setting`, if there is none.
std::string read_secret(const std::string& file, const std::string& setting);
/// What is to be said of a file that holds a secret and that others than its owner may read; empty if none may.
std::string exposed_secret(const std::string& file, const std::string& setting);
/// Is this an address that only this host reaches?
bool is_loopback(const std::string& address);

struct HttpAnswer {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::string allow = {};  ///< with 405: the methods that the path knows
};

/// {"error": what}.
HttpAnswer http_error(int status, const std::string& what);

/// What stands at a path.
struct HttpRoute {
  bool post = false;  ///< asked by POST, with a JSON body or none; otherwise by GET or HEAD without a body
  bool open = false;  ///< answered without authorization, and however much is under way
  std::function<HttpAnswer(const std::string& body)> answer;
  bool always = false;  ///< answered however much is under way, to who is authorized
};

/// A web server that knows the routes it is given and nothing else: no path leads to a file. It bounds headers (8 KiB), body, time, the
/// requests under way and the connections, and turns the library's errors into answers: DataError and ConfigError 400, others 500
/// without their words. A page of another site can't make a browser send a POST: JSON needs a leave that is never given, and without a
/// body the Origin must be this host. Nor can it read: who serves the loopback address without authorization answers to no other name.
/// Connections  max_requests + 64. A client beyond them, or beyond those of its address, takes the place of the one that has kept the
///           server waiting for a whole head or body for the longest: silence keeps nobody out. Where half of them are taken, the time for
///           a head is a tenth.
/// Bodies    one that is being received holds the bytes that have come and nothing else. Beyond max_bodies the slowest is given up.
/// Threads   routes are called concurrently, from threads of the server
class HttpServer {
 public:
  using Routes = std::function<const HttpRoute*(const std::string& path)>;
  /// Told of every answer before it is sent: path of a known route (or "other"), status and seconds.
  using Watch = std::function<void(const std::string& path, int status, double seconds)>;

  /// Throws ConfigError if the address is none or can't be served at, or if the certificate can't be used.
  HttpServer(HttpOptions options, Routes routes, Watch watch = {});
  /// Waits for the answers under way.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lodestone
