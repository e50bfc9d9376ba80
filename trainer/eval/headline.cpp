#include "trainer/eval/headline.h"

#include <array>
#include <string_view>

namespace lodestone::eval {

namespace {

constexpr double kFewestFolds = 5;

/// The headline of a subject, by the names of metrics.
struct HeadlineRow {
  Subject subject;
  std::array<const char*, 5> names;
};

constexpr HeadlineRow kRows[] = {
    {.subject = Subject::kClasses,
     .names = {"recall_at_1", "map_at_r", "eer", "one_shot_accuracy", "accuracy"}},
    {.subject = Subject::kVerification,
     .names = {"eer", "tar_at_far_1e-3", "accuracy", "recall_at_1", "map_at_r"}},
    {.subject = Subject::kPairs, .names = {"recall_at_1", "recall_at_10", "eer", "accuracy"}},
    {.subject = Subject::kLabelledPairs, .names = {"accuracy", "eer", "average_precision", "roc_auc"}},
    {.subject = Subject::kGradedPairs, .names = {"spearman"}},
    {.subject = Subject::kTriplets, .names = {"triplet_accuracy"}},
    {.subject = Subject::kCaptions,
     .names = {"image_to_text_recall_at_1", "text_to_image_recall_at_1", "image_to_text_recall_at_10",
               "text_to_image_recall_at_10"}},
};

}  // namespace

std::vector<Metric> headline_metrics(Subject subject) {
  std::vector<Metric> metrics;
  for (const HeadlineRow& row : kRows) {
    if (row.subject != subject) continue;
    for (const char* name : row.names)
      if (name != nullptr) metrics.push_back(find_metric(name));
  }
  return metrics;
}

std::vector<Metric> headline_of(Subject subject, const Metrics& metrics) {
  // The accuracy of few folds depends on which classes they have.
  const bool few_folds = metrics.find("accuracy_folds").value_or(kFewestFolds) < kFewestFolds;
  std::vector<Metric> shown;
  for (const Metric& metric : headline_metrics(subject)) {
    if (few_folds && metric.name == std::string_view("accuracy")) continue;
    if (shown.size() < kHeadlineFigures && metrics.find(metric.name)) shown.push_back(metric);
  }
  return shown;
}

std::string format_headline(Subject subject, const Metrics& model, const Metrics& baseline) {
  std::string line;
  for (const Metric& metric : headline_of(subject, model)) {
    line += (line.empty() ? "" : ", ") + std::string(metric.name) + " " +
            format_metric(metric, *model.find(metric.name));
    if (const auto beside = baseline.find(metric.name))
      line += " (baseline " + format_metric(metric, *beside) + ")";
  }
  return line;
}

}  // namespace lodestone::eval
