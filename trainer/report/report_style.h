#pragma once

#include <string_view>

namespace lodestone::report {

/// The text of report.css, embedded when the project is configured.
std::string_view report_style();

}  // namespace lodestone::report
