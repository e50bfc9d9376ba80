#include "trainer/coordinator/web_server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <future>
#include <mutex>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "common/error.h"
#include "trainer/eval/html.h"

namespace lodestone {

namespace {

// "127.0.0.1:9400" or "[::1]:9400". Anything but a plain address would be read as the web server's own syntax.
std::string place(const MetricsConfig& config, int port) {
  in6_addr parsed{};
  const std::string suffix = ":" + std::to_string(port);
  if (::inet_pton(AF_INET, config.address.c_str(), &parsed) == 1) return config.address + suffix;
  if (::inet_pton(AF_INET6, config.address.c_str(), &parsed) == 1) return "[" + config.address + "]" + suffix;
  throw ConfigError("metrics.address: expected an IP address such as 127.0.0.1 or 0.0.0.0, got '" +
                    config.address + "'; write the number of the address");
}

// Calls use(socket, address, size) for the address and returns the error number it leaves, 0 for none.
template <typename Use>
int with_socket(const std::string& host, int port, const Use& use) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return EADDRNOTAVAIL;
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int code = fd >= 0 && use(fd, found->ai_addr, found->ai_addrlen) ? 0 : errno;
  if (fd >= 0) ::close(fd);
  ::freeaddrinfo(found);
  return code;
}

// Why the address can't be served at: the web server doesn't say.
std::string bind_problem(const std::string& host, int port) {
  const int code = with_socket(host, port, [](int fd, const sockaddr* address, socklen_t size) {
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return ::bind(fd, address, size) == 0 && ::listen(fd, 1) == 0;
  });
  return code == 0 ? "the web server refused it" : std::generic_category().message(code);
}

std::string first_line(const std::string& path, const char* field) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line.empty())
    throw ConfigError(std::string(field) + ": expected a file whose first line is the password, got '" + path +
                      "', which has none or can't be read; write one, readable by its owner only");
  if (line.back() == '\r') line.pop_back();
  return line;
}

// In a time that doesn't tell how much of it was right.
bool same(std::string_view given, std::string_view expected) {
  unsigned differ = given.size() == expected.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i)
    differ |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(expected[i % expected.size()]);
  return differ == 0;
}

// A page of another origin may make a browser send a form with the reader's password: the browser says so.
bool foreign_origin(mg_connection* connection) {
  const char* origin = mg_get_header(connection, "Origin");
  const char* host = mg_get_header(connection, "Host");
  if (origin == nullptr) return false;
  const std::string_view name(origin);
  const size_t at = name.find("://");
  return host == nullptr || at == std::string_view::npos || name.substr(at + 3) != host;
}

const char* reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 503: return "Service Unavailable";
    default: return "Internal Server Error";
  }
}

void write_all(mg_connection* connection, const std::string& text) {
  mg_write(connection, text.data(), text.size());
}

}  // namespace

WebServer::WebServer(const MetricsConfig& config, int port, WebPages pages)
    : config_(config), port_(port), pages_(std::move(pages)) {
  const std::string where = place(config, port);
  if (config.user.empty() != config.password_file.empty())
    throw ConfigError("metrics: expected user and password_file together, got one of them; set both or none");
  if (!config.user.empty())
    authorization_ = "Basic " + base64(config.user + ":" + first_line(config.password_file, "metrics.password_file"));
  std::vector<const char*> options{"listening_ports", where.c_str(), "num_threads", "4", "request_timeout_ms", "5000",
                                   "max_request_size", "8192", "enable_keep_alive", "no", "connection_queue", "16", nullptr};
  mg_callbacks callbacks{};
  callbacks.begin_request = begin;
  callbacks.log_message = [](const mg_connection*, const char*) { return 1; };  // what a client did wrong is its own matter
  static std::once_flag once;
  std::call_once(once, [] { mg_init_library(0); });
  context_ = mg_start(&callbacks, this, options.data());
  if (context_ == nullptr)
    throw ConfigError("metrics: expected to serve at " + where + ", got: " + bind_problem(config.address, port) +
                      "; set metrics.port to a free port or to 0 (off), or metrics.address to one of this host");
}

WebServer::~WebServer() {
  // The server looks every two seconds whether it should stop. A run that was told to stop may not have those, so a
  // connection wakes it; again, in case one came before the server was told.
  auto stopped = std::async(std::launch::async, [this] { mg_stop(context_); });
  while (stopped.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready)
    with_socket(config_.address, port_, [](int fd, const sockaddr* address, socklen_t size) {
      return ::connect(fd, address, size) == 0;
    });
}

int WebServer::begin(mg_connection* connection) {
  return static_cast<const WebServer*>(mg_get_request_info(connection)->user_data)->answer(connection);
}

bool WebServer::allowed(mg_connection* connection) const {
  if (authorization_.empty()) return true;
  const char* given = mg_get_header(connection, "Authorization");
  return given != nullptr && same(given, authorization_);
}

WebAnswer WebServer::answer_for(mg_connection* connection) const {
  const mg_request_info& request = *mg_get_request_info(connection);
  const std::string_view path = request.local_uri == nullptr ? "" : request.local_uri, method = request.request_method;
  const bool probe = path == "/healthz" || path == "/readyz";
  if (!probe && !allowed(connection)) return {401, "text/plain; charset=utf-8", "name and password, please\n"};
  const auto found = pages_.find(std::string(path));
  if (found == pages_.end()) return {404, "text/plain; charset=utf-8", "no such page\n"};
  const bool reads = method == "GET" || method == "HEAD";
  if (found->second.post ? method != "POST" : !reads)
    return {405, "text/plain; charset=utf-8", "not in this way\n"};
  if (request.content_length > 0) return {413, "text/plain; charset=utf-8", "no body, please\n"};
  if (found->second.post && authorization_.empty())
    return {403, "text/plain; charset=utf-8", "set metrics.user and metrics.password_file to allow this\n"};
  if (found->second.post && foreign_origin(connection))
    return {403, "text/plain; charset=utf-8", "asked by another site's page\n"};
  try {
    return found->second.answer();
  } catch (const std::exception& error) {
    return {500, "text/plain; charset=utf-8", std::string(error.what()) + "\n"};
  }
}

int WebServer::answer(mg_connection* connection) const {
  const WebAnswer answer = answer_for(connection);
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " " + reason(answer.status) +
                     "\r\nContent-Type: " + answer.type + "\r\nContent-Length: " + std::to_string(answer.body.size()) +
                     "\r\nConnection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                     "Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; "
                     "style-src 'self'; img-src data:; connect-src 'self'; frame-ancestors 'none'\r\n";
  if (answer.status == 401) head += "WWW-Authenticate: Basic realm=\"lodestone\", charset=\"UTF-8\"\r\n";
  const bool body = std::string_view(mg_get_request_info(connection)->request_method) != "HEAD";
  write_all(connection, head + "\r\n" + (body ? answer.body : ""));
  return answer.status;
}

}  // namespace lodestone
