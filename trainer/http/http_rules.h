#pragma once

// Internal to the web server, as is all that shows Boost's types.

#include <optional>
#include <string>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "trainer/http/http_server.h"

namespace lodestone {

using HttpHead = boost::beast::http::request_header<>;
using HttpResponse = boost::beast::http::response<boost::beast::http::string_body>;

/// The path of a request: what it asks for, up to a query.
std::string path_of(const HttpHead& head);

/// Why a request isn't answered by its route, if so: authorization, path, method, length, type or origin. `length`: what the body has.
std::optional<HttpAnswer> refusal(const HttpHead& head, std::optional<size_t> length, const HttpRoute* route,
                                  const HttpOptions& options);

/// The route's answer, or that to the error it throws.
HttpAnswer answer_of(const HttpRoute& route, const std::string& body);

/// An answer as it is sent to the request `head`; `keep`: the connection stays.
HttpResponse response_of(HttpAnswer answer, const HttpHead& head, bool keep, const HttpOptions& options);

}  // namespace lodestone
