#pragma once

#include <string>

#include "trainer/report/report.h"

namespace lodestone::report {

/// Draws the charts that the report has data for, each as a <figure> with its title and a line on how to read
/// it.
std::string draw_report_charts(const ReportInput& input);

}  // namespace lodestone::report
