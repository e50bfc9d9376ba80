#include "trainer/report/axes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/text_format.h"
#include "trainer/eval/metrics.h"

namespace lodestone::report {

double AxisScale::place(double value) const {
  const auto along = [this](double v) { return axis_.log ? std::log10(v) : v; };
  const double held = std::clamp(value, axis_.low, axis_.high);
  const double share = (along(held) - along(axis_.low)) / (along(axis_.high) - along(axis_.low));
  return from_ + share * (to_ - from_);
}

std::vector<double> AxisScale::ticks(int count) const {
  std::vector<double> ticks;
  if (axis_.log) {
    const double first = std::ceil(std::log10(axis_.low) - 1e-9);
    for (double decade = first; decade <= std::log10(axis_.high) + 1e-9; ++decade)
      ticks.push_back(std::pow(10, decade));
    return ticks;
  }
  const double rough = (axis_.high - axis_.low) / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough * 0.999) step = factor * power;
  const double slack = step * 1e-6;
  for (double k = std::ceil((axis_.low - slack) / step); k * step <= axis_.high + slack; ++k)
    ticks.push_back(k * step);
  return ticks;
}

std::string AxisScale::tick_text(double value) const {
  if (std::abs(value) < 1e-12) value = 0;
  if (axis_.percent) return compact(100 * value) + " %";
  if (std::abs(value) >= 1000 && value == std::round(value))
    return eval::format_metric({"", "", eval::Metric::Kind::kCount, 0}, value);
  return compact(value);
}

ChartAxis fit_axis(const ChartAxis& axis, const std::vector<double>& values) {
  ChartAxis fitted = axis;
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (low > high) low = high = 0;
  if (low > 0 && low < 0.4 * high && !axis.log) low = 0;
  if (std::isnan(fitted.low)) fitted.low = low;
  if (std::isnan(fitted.high)) fitted.high = high;
  if (!(fitted.high > fitted.low)) fitted.high = fitted.low + std::max(1.0, std::abs(fitted.low) * 0.1);
  return fitted;
}

}  // namespace lodestone::report
