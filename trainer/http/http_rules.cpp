#include "trainer/http/http_rules.h"

#include <array>
#include <utility>

#include <arpa/inet.h>
#include <sodium.h>

#include "common/error.h"
#include "common/json_text.h"
#include "trainer/http/media_type.h"
#include "trainer/http/query.h"

namespace lodestone::http {

namespace {

namespace http = boost::beast::http;

std::string text_of(boost::beast::string_view view) {
  return {view.data(), view.size()};
}

// Compares hashes of equal length, in a time that does not depend on the expected value.
bool same(const std::string& given, const std::string& expected) {
  std::array<unsigned char, crypto_generichash_BYTES> a{}, b{};
  const auto hash = [](auto& out, const std::string& text) {
    ::crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()),
                         text.size(), nullptr, 0);
  };
  hash(a, given);
  hash(b, expected);
  return ::sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool has_type(const HttpHead& head, const char* wanted) {
  const auto type = head[http::field::content_type];
  return is_media_type({type.data(), type.size()}, wanted);
}

// Browsers send the site of the page that makes a request; other clients send nothing. Another port of this
// host is another origin, but the same site.
bool foreign(const HttpHead& head) {
  const auto site = head["Sec-Fetch-Site"];
  if (!site.empty() && site != "same-origin" && site != "none") return true;
  const std::string origin = text_of(head[http::field::origin]);
  if (origin.empty()) return false;
  const size_t at = origin.find("://");
  return at == std::string::npos || origin.substr(at + 3) != text_of(head[http::field::host]);
}

bool is_address(int family, const std::string& text) {
  in6_addr parsed;
  return ::inet_pton(family, text.c_str(), &parsed) == 1;
}

bool names_loopback(std::string host) {
  if (host.empty()) return true;  // not a browser
  if (host.front() == '[') return is_address(AF_INET6, host.substr(1, host.find(']') - 1));
  host = host.substr(0, host.find(':'));
  return boost::beast::iequals(host, "localhost") || is_address(AF_INET, host);
}

// Whether a header occurs twice: a proxy before this server may have used the other one.
bool twice(const HttpHead& head) {
  for (const http::field field : {http::field::host, http::field::authorization, http::field::content_type,
                                  http::field::content_length, http::field::origin, http::field::expect})
    if (head.count(field) > 1) return true;
  return false;
}

// Refuses host names of other sites: a name that resolves to the loopback address makes a browser treat this
// server's pages as that site's.
bool misnamed(const HttpHead& head, const HttpOptions& options) {
  return is_loopback(options.address) && options.authorization.empty() &&
         !names_loopback(text_of(head[http::field::host]));
}

/// Why a request gets no answer.
struct Refused {
  int status;
  std::string what;
  std::string allow = {};  ///< 405: the methods that are allowed
};

// A form of another site's page can send multipart/form-data and empty bodies, without a CORS permission.
std::optional<Refused> refused_by_origin(const HttpHead& head) {
  if (foreign(head)) return Refused{403, "asked by another site's page"};
  return {};
}

std::optional<Refused> refused_post(const HttpHead& head, size_t length, bool files) {
  if (length == 0) return refused_by_origin(head);
  if (has_type(head, "application/json")) return {};
  if (files && (has_type(head, "application/octet-stream") || has_type(head, "multipart/form-data")))
    return refused_by_origin(head);
  return Refused{415, std::string("expected Content-Type: application/json") +
                          (files ? ", application/octet-stream or multipart/form-data" : "")};
}

bool allows(const HttpRoute& route, http::verb method) {
  if (route.post) return method == http::verb::post;
  return method == http::verb::get || method == http::verb::head ||
         (route.removes && method == http::verb::delete_);
}

HttpRequest request_of(const HttpHead& head, std::string body) {
  return {std::move(body), parse_query(text_of(head.target())), text_of(head.method_string()),
          text_of(head[http::field::content_type]), text_of(head[http::field::accept])};
}

Refused wrong_method(const HttpRoute& route) {
  const std::string methods = route.post ? "POST" : route.removes ? "GET, HEAD, DELETE" : "GET, HEAD";
  return {405, "expected " + methods, methods};
}

std::optional<Refused> refused(const HttpHead& head, std::optional<size_t> length, const HttpRoute* route,
                               const HttpOptions& options) {
  if (twice(head)) return Refused{400, "expected each header once, got one twice that may come only once"};
  const bool open = route != nullptr && route->open;
  if (!open && !options.authorization.empty() &&
      !same(text_of(head[http::field::authorization]), options.authorization))
    return Refused{401, "expected the header Authorization"};
  if (!open && misnamed(head, options))
    return Refused{421, "expected localhost or an address as the host's name"};
  if (route == nullptr) return Refused{404, "there is no such path"};
  if (!allows(*route, head.method())) return wrong_method(*route);
  if (!length) return Refused{411, "expected Content-Length"};
  if (*length > (route->post ? options.max_body : 0)) return Refused{413, "the body is too large"};
  if (route->post) return refused_post(head, *length, route->files);
  return head.method() == http::verb::delete_ ? refused_by_origin(head) : std::nullopt;
}

}  // namespace

std::string basic_authorization(const std::string& user, const std::string& password) {
  const std::string plain = user + ":" + password;
  std::string coded(sodium_base64_encoded_len(plain.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  ::sodium_bin2base64(coded.data(), coded.size(), reinterpret_cast<const unsigned char*>(plain.data()),
                      plain.size(), sodium_base64_VARIANT_ORIGINAL);
  coded.pop_back();  // the terminating zero
  return "Basic " + coded;
}

std::string bearer_authorization(const std::string& token) {
  return "Bearer " + token;
}

HttpAnswer http_error(int status, const std::string& what) {
  return {status, "application/json", json_text({{"error", what}}) + "\n"};
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

std::string path_of(const HttpHead& head) {
  const std::string target = text_of(head.target());
  return target.substr(0, target.find('?'));
}

HttpAnswer error_answer(const HttpRoute* route, int status, const std::string& what) {
  return route != nullptr ? route->error(status, what) : http_error(status, what);
}

std::optional<HttpAnswer> refusal(const HttpHead& head, std::optional<size_t> length, const HttpRoute* route,
                                  const HttpOptions& options) {
  const std::optional<Refused> why = refused(head, length, route, options);
  if (!why) return std::nullopt;
  HttpAnswer answer = error_answer(route, why->status, why->what);
  if (!why->allow.empty()) answer.headers = {{"Allow", why->allow}};
  return answer;
}

HttpAnswer http_failure(const std::exception_ptr& error, const HttpErrorForm& form) {
  try {
    std::rethrow_exception(error);
  } catch (const DataError& invalid) {
    return form(400, invalid.what());
  } catch (const ConfigError& invalid) {
    return form(400, invalid.what());
  } catch (const std::exception&) {
    return form(500, "it failed within");
  }
}

bool begin_at_once(const HttpRoute& route, const HttpHead& head, std::string& body, const HttpDone& done) {
  if (!route.try_begin || body.size() > kQuickBody) return false;
  try {
    HttpRequest request = request_of(head, std::move(body));
    if (route.try_begin(request, done)) return true;
    body = std::move(request.body);
    return false;
  } catch (...) {
    done(http_failure(std::current_exception(), route.error));
    return true;
  }
}

void begin_answer(const HttpRoute& route, const HttpHead& head, std::string body, const HttpDone& done) {
  try {
    const HttpRequest request = request_of(head, std::move(body));
    if (route.begin) return route.begin(request, done);
    HttpAnswer answer = route.answer(request);
    done(std::move(answer));
  } catch (...) {
    done(http_failure(std::current_exception(), route.error));
  }
}

HttpResponse response_of(HttpAnswer answer, const HttpHead& head, bool keep, const HttpOptions& options) {
  HttpResponse response(static_cast<http::status>(answer.status), head.version());
  response.set(http::field::content_type, answer.type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Referrer-Policy", "no-referrer");
  response.set(
      "Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src data: blob:; connect-src 'self'; "
      "frame-ancestors 'none'");
  if (answer.status == 401)
    response.set(http::field::www_authenticate, options.authorization.starts_with("Basic ")
                                                    ? R"(Basic realm="lodestone", charset="UTF-8")"
                                                    : "Bearer");
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  if (answer.status == 429 || answer.status == 503) response.set(http::field::retry_after, "1");
  response.keep_alive(keep);
  response.content_length(answer.body.size());
  if (head.method() != http::verb::head) response.body() = std::move(answer.body);
  return response;
}

}  // namespace lodestone::http
