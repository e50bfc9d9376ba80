#pragma once

#include <string>
#include <vector>

namespace lodestone::report {

/// An axis of a chart. Bounds that are NaN are taken from the data.
struct ChartAxis {
  std::string title;
  double low;
  double high;
  bool log = false;      ///< decades; low must be > 0
  bool percent = false;  ///< ticks as per cent of 1
};

/// Maps values of an axis to a range of the drawing, and labels its ticks.
/// Requires  high > low, and low > 0 for a log axis
class AxisScale {
 public:
  AxisScale(const ChartAxis& axis, double from, double to) : axis_(axis), from_(from), to_(to) {}

  /// The position of a value, clamped to the axis.
  double place(double value) const;
  /// Round values (1, 2, 5 · 10^n; decades for a log axis) within the bounds, about `count` of them.
  std::vector<double> ticks(int count) const;
  /// "1,500", "0.25", "1 %".
  std::string tick_text(double value) const;

 private:
  ChartAxis axis_;
  double from_;
  double to_;
};

/// The axis, with NaN bounds replaced by those of the data: never empty, and including 0 if it is near.
ChartAxis fit_axis(const ChartAxis& axis, const std::vector<double>& values);

}  // namespace lodestone::report
