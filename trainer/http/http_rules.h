#pragma once

// Internal to the web server, as is all that shows Boost's types.

#include <optional>
#include <string>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "trainer/http/http_server.h"

namespace lodestone::http {

using HttpHead = boost::beast::http::request_header<>;
using HttpResponse = boost::beast::http::response<boost::beast::http::string_body>;

/// The path of a request, without the query.
std::string path_of(const HttpHead& head);

/// An error in the form of the route; null: of no route.
HttpAnswer error_answer(const HttpRoute* route, int status, const std::string& what);

/// The refusal of a request, if any, by authorization, path, method, length, type or origin. `length` is the
/// length of the body, unset if it is not known.
std::optional<HttpAnswer> refusal(const HttpHead& head, std::optional<size_t> length, const HttpRoute* route,
                                  const HttpOptions& options);

/// Whether the route has taken the request at once; if not, `body` stays as it was.
bool begin_at_once(const HttpRoute& route, const HttpHead& head, std::string& body, const HttpDone& done);

/// Passes the answer of a route to the request, or the answer for the exception that it throws, to `done`.
void begin_answer(const HttpRoute& route, const HttpHead& head, std::string body, const HttpDone& done);

/// The response to send for an answer to the request `head`; `keep`: the connection stays open.
HttpResponse response_of(HttpAnswer answer, const HttpHead& head, bool keep, const HttpOptions& options);

}  // namespace lodestone::http
