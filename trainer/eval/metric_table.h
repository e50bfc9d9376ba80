#pragma once

#include <string_view>
#include <vector>

namespace lodestone::eval {

/// A row of the table of metrics: how a metric is shown. docs/measures.md defines each metric.
struct Metric {
  enum class Kind { kRate, kCount, kReal };

  const char* name;   ///< as in JSON
  const char* title;  ///< name for display
  Kind kind;          ///< kRate: a share of 1, shown in per cent
  int better;         ///< +1 if larger is better, -1 if smaller is, 0 if neither
  /// Whether it is shown over the run: a chart of the report, a curve of the live page, a gauge of /metrics.
  bool followed = false;
  const char* meaning = "";  ///< explains a metric of a headline, or a followed one; no full stop
};

/// All metrics in display order: those of retrieval_metrics.h, then those of the other families.
const std::vector<Metric>& metric_table();

/// The row of that name; for a name that is not there, empty texts and kReal.
Metric find_metric(std::string_view name);

/// The metrics that are shown over the run, in display order.
std::vector<Metric> followed_metrics();

}  // namespace lodestone::eval
