#pragma once

#include <string_view>

namespace lodestone {

/// The page of the service and what describes it, embedded when the project is configured, so that no file lies beside the binary.
std::string_view serve_page();
std::string_view serve_style();
std::string_view serve_script();
std::string_view serve_openapi();

}  // namespace lodestone
