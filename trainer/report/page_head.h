#pragma once

#include <string>
#include <string_view>

namespace lodestone::report {

/// The beginning of a self-contained page, up to </head>: the project's style and `style` after it. The
/// content security policy ensures that nothing is loaded from anywhere. Escapes the title.
std::string page_head(std::string_view title, std::string_view style = {});

}  // namespace lodestone::report
