#include "trainer/eval/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "common/json_text.h"
#include "common/text_format.h"

namespace lodestone::eval {

void Metrics::set(std::string_view name, double value) {
  for (auto& [known, old] : entries_) {
    if (known == name) {
      old = value;
      return;
    }
  }
  entries_.emplace_back(name, value);
}

void Metrics::merge(const Metrics& other) {
  for (const auto& [name, value] : other.entries()) set(name, value);
}

std::optional<double> Metrics::find(std::string_view name) const {
  for (const auto& [known, value] : entries_)
    if (known == name && !std::isnan(value)) return value;
  return std::nullopt;
}

std::string with_thousands(int64_t count) {
  const std::string digits = std::to_string(count);
  std::string text;
  for (size_t at = 0; at < digits.size(); ++at) {
    if (at > 0 && digits[at - 1] != '-' && (digits.size() - at) % 3 == 0) text += ',';
    text += digits[at];
  }
  return text;
}

namespace {

// Widths count code points: the dash of an undefined value has three bytes.
std::string right_aligned(const std::string& text, size_t columns) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  const size_t width = text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), continues));
  return std::string(width < columns ? columns - width : 0, ' ') + text;
}

}  // namespace

std::string format_metric(const Metric& metric, double value) {
  if (std::isnan(value)) return "–";
  if (metric.kind == Metric::Kind::kRate) return decimal(100 * value, 2) + " %";
  if (metric.kind == Metric::Kind::kCount) return with_thousands(static_cast<int64_t>(std::llround(value)));
  return decimal(value, 3);
}

std::string format_interval(const Metric& metric, const Interval& interval) {
  if (std::isnan(interval.low) || std::isnan(interval.high)) return "–";
  if (metric.kind == Metric::Kind::kRate)
    return decimal(100 * interval.low, 2) + " – " + format_metric(metric, interval.high);
  return format_metric(metric, interval.low) + " – " + format_metric(metric, interval.high);
}

const Interval* find_interval(const std::vector<Interval>& intervals, std::string_view name) {
  const auto found = std::find_if(intervals.begin(), intervals.end(),
                                  [name](const Interval& one) { return one.name == name; });
  return found == intervals.end() ? nullptr : &*found;
}

std::string to_json(const std::vector<Interval>& intervals) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const Interval& interval : intervals)
    object[interval.name] = {interval.low, interval.high};  // NaN becomes null
  return json_text(object);
}

std::string to_json(const Metrics& metrics) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [name, value] : metrics.entries()) {
    // Integers are written as integers: counts have no decimal point.
    if (std::isnan(value)) {
      object[name] = nullptr;
    } else if (find_metric(name).kind == Metric::Kind::kCount) {
      object[name] = std::llround(value);
    } else {
      object[name] = value;
    }
  }
  return json_text(object);
}

std::string format_metrics(const Metrics& model, const Metrics& baseline,
                           const std::vector<Interval>& intervals) {
  size_t columns = 7;
  for (const auto& [name, value] : model.entries()) columns = std::max(columns, name.size());
  const auto line = [&](const std::string& name, const std::string& value, const std::string& between,
                        const std::string& beside) {
    const std::string padded = name + std::string(columns - std::min(columns, name.size()), ' ');
    return padded + "  " + right_aligned(value, 12) + (intervals.empty() ? "" : right_aligned(between, 18)) +
           (baseline.empty() ? "" : right_aligned(beside, 12)) + "\n";
  };
  std::string table = line("metric", "model", "95 % interval", "baseline");
  for (const auto& [name, value] : model.entries()) {
    const Metric metric = find_metric(name);
    const auto beside = baseline.find(name);
    const Interval* interval = find_interval(intervals, name);
    table += line(name, format_metric(metric, value),
                  interval != nullptr ? format_interval(metric, *interval) : "",
                  beside ? format_metric(metric, *beside) : "");
  }
  return table;
}

}  // namespace lodestone::eval
