#pragma once

#include <string>
#include <vector>

namespace lodestone {

/// An axis of a chart. Bounds that are NaN are taken from the data.
struct ChartAxis {
  std::string title;
  double low;
  double high;
  bool log = false;      ///< decades; low must be > 0
  bool percent = false;  ///< ticks as per cent of 1
};

/// Maps values of an axis to a stretch of the drawing, and names its ticks.
/// Requires: high > low, and low > 0 for a log axis.
class AxisScale {
 public:
  AxisScale(const ChartAxis& axis, double from, double to) : axis_(axis), from_(from), to_(to) {}

  /// Where a value lies, clamped to the axis.
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

/// The axis with bounds for `values` where it had none: the data's own, never empty, 0 included when it is
/// near.
ChartAxis fit_axis(const ChartAxis& axis, const std::vector<double>& values);

}  // namespace lodestone
