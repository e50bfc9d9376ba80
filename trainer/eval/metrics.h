#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trainer/eval/metric_table.h"

namespace lodestone::eval {

/// The results of an evaluation: metric values by name, in the order in which they were set. NaN means
/// undefined, for example if there is no query.
class Metrics {
 public:
  /// Adds a value, or replaces it in place.
  void set(std::string_view name, double value);
  /// Sets everything `other` has.
  void merge(const Metrics& other);
  /// The value if there is one and it is defined.
  std::optional<double> find(std::string_view name) const;
  /// All names with their values, NaN included.
  const std::vector<std::pair<std::string, double>>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

 private:
  std::vector<std::pair<std::string, double>> entries_;
};

/// The confidence interval of a metric; NaN: undefined.
struct Interval {
  std::string name;
  double low;
  double high;
};

/// "13,180".
std::string with_thousands(int64_t count);

/// "81.2 %", "13,180", "-3.142"; "–" for NaN.
std::string format_metric(const Metric& metric, double value);

/// "79.8 – 82.5 %", "-3.1 – -2.9"; "–" for NaN.
std::string format_interval(const Metric& metric, const Interval& interval);

/// The interval of that name, or null.
const Interval* find_interval(const std::vector<Interval>& intervals, std::string_view name);

/// One JSON object; undefined values are null.
std::string to_json(const Metrics& metrics);

/// One JSON object: {"recall_at_1": [low, high], …}; undefined values are null.
std::string to_json(const std::vector<Interval>& intervals);

/// A table for a terminal with the columns metric, model, 95 % interval and baseline; a column without values
/// is left out.
std::string format_metrics(const Metrics& model, const Metrics& baseline = {},
                           const std::vector<Interval>& intervals = {});

}  // namespace lodestone::eval
