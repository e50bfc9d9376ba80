#pragma once

#include <map>
#include <string>
#include <string_view>

namespace lodestone::http {

/// The parameters of a request's target, such as /gallery?name=Ada+Lovelace: names and values, decoded as
/// forms encode them. Bytes are untrusted.
/// Throws    DataError if an escape is malformed, a text is not UTF-8 or has a zero byte, or a name occurs
///           twice
std::map<std::string, std::string> parse_query(std::string_view target);

}  // namespace lodestone::http
