#include "trainer/serve/http_server.h"

#include <algorithm>
#include <future>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <civetweb.h>
#include <nlohmann/json.hpp>
#include <sodium.h>
#include <strings.h>

#include "trainer/serve/batcher.h"

namespace lodestone {

namespace {

using Clock = std::chrono::steady_clock;

HttpAnswer refusal(int status, const std::string& what) {
  return {status, "application/json",
          nlohmann::json::object({{"error", what}})
                  .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
              "\n"};
}

// Anything but a plain address would be read as the web server's own syntax.
std::string place(const HttpOptions& options) {
  in6_addr parsed{};
  const std::string port = ":" + std::to_string(options.port);
  if (::inet_pton(AF_INET, options.address.c_str(), &parsed) == 1) return options.address + port;
  if (::inet_pton(AF_INET6, options.address.c_str(), &parsed) == 1) return "[" + options.address + "]" + port;
  throw ConfigError("--address: expected an IP address such as 127.0.0.1 or 0.0.0.0, got '" +
                    options.address + "'");
}

// Hashes of one length are compared in a time that tells nothing of the token.
bool shows(mg_connection* connection, const std::string& token) {
  const char* header = mg_get_header(connection, "Authorization");
  const std::string given = header ? header : "", expected = "Bearer " + token;
  unsigned char a[crypto_generichash_BYTES], b[crypto_generichash_BYTES];
  const auto hash = [](unsigned char* out, const std::string& text) {
    ::crypto_generichash(out, crypto_generichash_BYTES, reinterpret_cast<const unsigned char*>(text.data()),
                         text.size(), nullptr, 0);
  };
  hash(a, given);
  hash(b, expected);
  return ::sodium_memcmp(a, b, sizeof a) == 0;
}

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

std::string head_of(const HttpAnswer& answer) {
  std::string head =
      "HTTP/1.1 " + std::to_string(answer.status) + " " + reason(answer.status) +
      "\r\nContent-Type: " + answer.type + "\r\nContent-Length: " + std::to_string(answer.body.size()) +
      (answer.status == 200 ? "" : "\r\nConnection: close") +
      "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
      "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src data: "
      "blob:; "
      "connect-src 'self'; frame-ancestors 'none'\r\n";
  if (answer.status == 401) head += "WWW-Authenticate: Bearer\r\n";
  if (answer.status == 429 || answer.status == 503) head += "Retry-After: 1\r\n";
  return head + "\r\n";
}

bool is_json(const char* content_type) {
  return content_type != nullptr && ::strncasecmp(content_type, "application/json", 16) == 0;
}

// Nothing if the client stopped sending, or took longer than it may.
std::optional<std::string> read_body(mg_connection* connection, size_t size,
                                     std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  const char* expect = mg_get_header(connection, "Expect");
  if (expect != nullptr && ::strcasecmp(expect, "100-continue") == 0)
    mg_printf(connection, "HTTP/1.1 100 Continue\r\n\r\n");
  std::string body;
  char piece[1 << 13];
  while (body.size() < size && Clock::now() < deadline) {
    const int got = mg_read(connection, piece, std::min(sizeof piece, size - body.size()));
    if (got <= 0) return {};
    body.append(piece, static_cast<size_t>(got));
  }
  if (body.size() < size) return {};
  return body;
}

}  // namespace

HttpServer::HttpServer(HttpOptions options, Routes routes, Watch watch)
    : options_(std::move(options)), routes_(std::move(routes)), watch_(std::move(watch)) {
  if (::sodium_init() < 0) throw Error("serve: libsodium can't be made ready");
  const std::string where = place(options_);
  // Some more threads than requests may be under way, so that there is one to say that it is too many, or that all is well.
  const std::string threads = std::to_string(options_.max_requests + 8);
  const std::string patience = std::to_string(options_.patience.count());
  const std::vector<const char*> settings{"listening_ports",
                                          where.c_str(),
                                          "num_threads",
                                          threads.c_str(),
                                          "request_timeout_ms",
                                          patience.c_str(),
                                          "max_request_size",
                                          "8192",
                                          "enable_keep_alive",
                                          "yes",
                                          "keep_alive_timeout_ms",
                                          "1000",
                                          "tcp_nodelay",
                                          "1",
                                          "connection_queue",
                                          "64",
                                          nullptr};
  mg_callbacks callbacks{};
  callbacks.begin_request = begin;
  callbacks.log_message = [](const mg_connection*, const char*) {
    return 1;
  };  // what a client did wrong is its own matter
  mg_init_library(0);
  context_ = mg_start(&callbacks, this, const_cast<const char**>(settings.data()));
  if (context_ == nullptr)
    throw ConfigError("serve: expected to serve at " + where +
                      ", which is taken or no address of this host; set --port or --address");
  mg_server_port port{};
  if (mg_get_server_ports(context_, 1, &port) == 1) port_ = port.port;
}

HttpServer::~HttpServer() {
  // The server looks every two seconds whether it should stop; a connection wakes it. Again, in case one came before it was told.
  auto stopped = std::async(std::launch::async, [this] { mg_stop(context_); });
  while (stopped.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready) {
    char problem[128];
    if (mg_connection* waker = mg_connect_client(options_.address.c_str(), port_, 0, problem, sizeof problem))
      mg_close_connection(waker);
  }
  mg_exit_library();
}

int HttpServer::begin(mg_connection* connection) {
  return static_cast<HttpServer*>(mg_get_request_info(connection)->user_data)->serve(connection);
}

int HttpServer::serve(mg_connection* connection) {
  const auto start = Clock::now();
  const mg_request_info& request = *mg_get_request_info(connection);
  const std::string path = request.local_uri ? request.local_uri : "";
  const HttpRoute* route = routes_(path);
  const HttpAnswer answer = answer_for(connection, route);
  // What is left of a refused body is not read: the connection ends.
  if (answer.status != 200) mg_disable_connection_keep_alive(connection);
  const bool body = std::string_view(request.request_method) != "HEAD";
  const std::string text = head_of(answer) + (body ? answer.body : "");
  mg_write(connection, text.data(), text.size());
  watch_(route ? path : "other", answer.status, std::chrono::duration<double>(Clock::now() - start).count());
  return answer.status;
}

HttpAnswer HttpServer::answer_for(mg_connection* connection, const HttpRoute* route) {
  const bool open = route != nullptr && route->open;
  if (!open && !options_.token.empty() && !shows(connection, options_.token))
    return refusal(401, "expected Authorization: Bearer TOKEN");
  if (route == nullptr) return refusal(404, "no such path; /openapi.json lists them");
  if (open) return read_and_answer(connection, *route);
  struct Place {
    std::atomic<int>& count;
    const int taken = ++count;
    ~Place() { --count; }
  } const here{under_way_};
  if (here.taken > options_.max_requests) return refusal(503, "too many requests at once; try again later");
  return read_and_answer(connection, *route);
}

HttpAnswer HttpServer::read_and_answer(mg_connection* connection, const HttpRoute& route) {
  const mg_request_info& info = *mg_get_request_info(connection);
  const std::string_view method = info.request_method;
  if (route.post ? method != "POST" : method != "GET" && method != "HEAD")
    return refusal(405, route.post ? "expected POST" : "expected GET");
  if (mg_get_header(connection, "Transfer-Encoding") != nullptr)
    return refusal(411, "expected Content-Length");
  const auto size = static_cast<size_t>(std::max(info.content_length, 0LL));
  if (size > (route.post ? options_.max_body : 0)) return refusal(413, "the body is too large");
  // A page of another site can't send this without being asked first, and is then refused.
  if (route.post && !is_json(mg_get_header(connection, "Content-Type")))
    return refusal(415, "expected Content-Type: application/json");
  try {
    const auto body = read_body(connection, size, options_.patience);
    if (!body) return refusal(408, "the body did not come in time");
    // The web server's own threads have a stack of 100 KiB: too little for decoders and matrix products.
    return std::async(std::launch::async, [&] { return route.answer(*body); }).get();
  } catch (const OverloadError& error) {
    return refusal(429, error.what());
  } catch (const DataError& error) {
    return refusal(400, error.what());
  } catch (const ConfigError& error) {
    return refusal(400, error.what());
  } catch (const std::exception&) {
    return refusal(500, "it failed within");
  }
}

}  // namespace lodestone
