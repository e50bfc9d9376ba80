#pragma once

#include <string>
#include <vector>

#include "trainer/eval/pairs.h"
#include "trainer/report/axes.h"

namespace lodestone::report {

/// A line of a chart; points in order of x, those that are not finite left out.
struct ChartLine {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;
  int colour = 1;       ///< 1, 2 or 3: a colour of the report's palette
  bool dashed = false;  ///< for baselines and references
  bool faint = false;   ///< for raw values behind a smoothed line
  bool points = false;  ///< points without a line between them
};

/// A marked point with its text.
struct ChartMark {
  double x;
  double y;
  std::string text;
};

/// One chart: a description for screen readers, its axes and its content.
struct Chart {
  std::string description;
  ChartAxis x;
  ChartAxis y;
  std::vector<ChartLine> lines;
  std::vector<ChartMark> marks;
};

/// Draws inline SVG (no name space, script or font) and, for more than one line, its legend as a list.
/// Colours and text sizes come from the page's style by class, so that light, dark and phone layouts share
/// one drawing. All text is escaped.
std::string draw_chart(const Chart& chart);

/// Draws the two distributions as filled steps over distance.
std::string draw_histogram(const eval::DistanceHistogram& histogram);

}  // namespace lodestone::report
