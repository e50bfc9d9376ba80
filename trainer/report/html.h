#pragma once

#include <string>
#include <string_view>

namespace lodestone::report {

/// Escapes text for use between tags and inside quoted attributes: & < > " ' become entities; control
/// characters other than tab and newline, and bytes that are not UTF-8, become U+FFFD.
std::string escape_html(std::string_view text);

/// Base64 of RFC 4648, with padding.
std::string base64(std::string_view bytes);

/// A file as the address of an image in a page: "data:image/png;base64,…".
std::string data_uri(std::string_view type, std::string_view file);

}  // namespace lodestone::report
