#pragma once

#include <string_view>

namespace lodestone::serve {

/// The web page of the service and its OpenAPI description, compiled in, so that the program needs no other
/// file.
std::string_view serve_page();
std::string_view serve_style();
std::string_view serve_script();
std::string_view serve_openapi();

}  // namespace lodestone::serve
