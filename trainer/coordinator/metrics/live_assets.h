#pragma once

#include <string_view>

namespace lodestone::coordinator {

/// The live page and the files that it loads, compiled in from live.html, live.css and live.js.
std::string_view live_html();
std::string_view live_css();
std::string_view live_js();

}  // namespace lodestone::coordinator
