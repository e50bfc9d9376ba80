#include "trainer/eval/measures.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "common/json_text.h"
#include "common/text_format.h"

namespace lodestone {

void Measures::set(std::string_view name, double value) {
  for (auto& [known, old] : entries_) {
    if (known == name) {
      old = value;
      return;
    }
  }
  entries_.emplace_back(name, value);
}

void Measures::merge(const Measures& other) {
  for (const auto& [name, value] : other.entries()) set(name, value);
}

std::optional<double> Measures::find(std::string_view name) const {
  for (const auto& [known, value] : entries_)
    if (known == name && !std::isnan(value)) return value;
  return std::nullopt;
}

const std::vector<MeasureInfo>& known_measures() {
  using enum MeasureInfo::Kind;
  static const std::vector<MeasureInfo> all = {
      {"recall_at_1", "Recall at 1", kRate, 1},
      {"recall_at_5", "Recall at 5", kRate, 1},
      {"recall_at_10", "Recall at 10", kRate, 1},
      {"precision_at_1", "Precision at 1", kRate, 1},
      {"r_precision", "R-precision", kRate, 1},
      {"map_at_r", "MAP at R", kRate, 1},
      {"mrr_at_10", "MRR at 10", kRate, 1},
      {"ndcg_at_10", "nDCG at 10", kRate, 1},
      {"knn_accuracy", "k-nearest-neighbour accuracy", kRate, 1},
      {"queries", "Queries", kCount, 0},
      {"lone_queries", "Lone queries, left out", kCount, 0},
      {"roc_auc", "Area under the ROC curve", kRate, 1},
      {"average_precision", "Average precision of pairs", kRate, 1},
      {"eer", "Equal error rate", kRate, -1},
      {"accuracy", "Ten-fold accuracy", kRate, 1},
      {"tar_at_far_1e-1", "True accepts at 10 % false accepts", kRate, 1},
      {"tar_at_far_1e-2", "True accepts at 1 % false accepts", kRate, 1},
      {"tar_at_far_1e-3", "True accepts at 0.1 % false accepts", kRate, 1},
      {"tar_at_far_1e-4", "True accepts at 0.01 % false accepts", kRate, 1},
      {"positive_pairs", "Positive pairs compared", kCount, 0},
      {"negative_pairs", "Negative pairs compared", kCount, 0},
      {"one_shot_accuracy", "One-shot accuracy", kRate, 1},
      {"triplet_accuracy", "Triplets in the right order", kRate, 1},
      {"triplets", "Triplets compared", kCount, 0},
      {"spearman", "Spearman's rank correlation", kReal, 1},
      {"graded_pairs", "Graded pairs", kCount, 0},
      {"image_to_text_recall_at_1", "Picture to text, recall at 1", kRate, 1},
      {"image_to_text_recall_at_5", "Picture to text, recall at 5", kRate, 1},
      {"image_to_text_recall_at_10", "Picture to text, recall at 10", kRate, 1},
      {"text_to_image_recall_at_1", "Text to picture, recall at 1", kRate, 1},
      {"text_to_image_recall_at_5", "Text to picture, recall at 5", kRate, 1},
      {"text_to_image_recall_at_10", "Text to picture, recall at 10", kRate, 1},
      {"pictures", "Pictures", kCount, 0},
      {"captions", "Captions", kCount, 0},
      {"alignment", "Alignment", kReal, -1},
      {"uniformity", "Uniformity", kReal, -1},
      {"effective_rank", "Effective rank", kReal, 1},
  };
  return all;
}

MeasureInfo measure_info(std::string_view name) {
  for (const MeasureInfo& info : known_measures())
    if (name == info.name) return info;
  return {"", "", MeasureInfo::Kind::kReal, 0};
}

namespace {

std::string with_thousands(int64_t count) {
  const std::string digits = std::to_string(count);
  std::string text;
  for (size_t at = 0; at < digits.size(); ++at) {
    if (at > 0 && digits[at - 1] != '-' && (digits.size() - at) % 3 == 0) text += ',';
    text += digits[at];
  }
  return text;
}

// Widths count code points: the dash of an undefined value has three bytes.
std::string right_aligned(const std::string& text, size_t columns) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  const size_t width = text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), continues));
  return std::string(width < columns ? columns - width : 0, ' ') + text;
}

}  // namespace

std::string format_measure(const MeasureInfo& info, double value) {
  if (std::isnan(value)) return "–";
  if (info.kind == MeasureInfo::Kind::kRate) return decimal(100 * value, 2) + " %";
  if (info.kind == MeasureInfo::Kind::kCount)
    return with_thousands(static_cast<int64_t>(std::llround(value)));
  return decimal(value, 3);
}

std::string format_interval(const MeasureInfo& info, const Interval& interval) {
  if (std::isnan(interval.low) || std::isnan(interval.high)) return "–";
  if (info.kind == MeasureInfo::Kind::kRate)
    return decimal(100 * interval.low, 2) + " – " + format_measure(info, interval.high);
  return format_measure(info, interval.low) + " – " + format_measure(info, interval.high);
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

std::string to_json(const Measures& measures) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [name, value] : measures.entries()) {
    // Integers are written as integers: counts have no decimal point.
    if (std::isnan(value)) {
      object[name] = nullptr;
    } else if (measure_info(name).kind == MeasureInfo::Kind::kCount) {
      object[name] = std::llround(value);
    } else {
      object[name] = value;
    }
  }
  return json_text(object);
}

std::string measures_table(const Measures& model, const Measures& floor,
                           const std::vector<Interval>& intervals) {
  size_t columns = 7;
  for (const auto& [name, value] : model.entries()) columns = std::max(columns, name.size());
  const auto line = [&](const std::string& name, const std::string& value, const std::string& between,
                        const std::string& beside) {
    const std::string padded = name + std::string(columns - std::min(columns, name.size()), ' ');
    return padded + "  " + right_aligned(value, 12) + (intervals.empty() ? "" : right_aligned(between, 18)) +
           (floor.empty() ? "" : right_aligned(beside, 12)) + "\n";
  };
  std::string table = line("measure", "model", "95 % interval", "floor");
  for (const auto& [name, value] : model.entries()) {
    const MeasureInfo info = measure_info(name);
    const auto beside = floor.find(name);
    const Interval* interval = find_interval(intervals, name);
    table +=
        line(name, format_measure(info, value), interval != nullptr ? format_interval(info, *interval) : "",
             beside ? format_measure(info, *beside) : "");
  }
  return table;
}

}  // namespace lodestone
