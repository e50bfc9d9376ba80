#include "trainer/eval/metric_table.h"

#include <algorithm>
#include <iterator>

#include "trainer/eval/retrieval_metrics.h"

namespace lodestone {

namespace {

using enum Metric::Kind;

// Metrics that are not means over queries: each is computed where its family is.
constexpr Metric kOtherMetrics[] = {
    {"queries", "Queries", kCount, 0},
    {"lone_queries", "Lone queries, left out", kCount, 0},
    {"roc_auc", "Area under the ROC curve", kRate, 1},
    {"average_precision", "Average precision of pairs", kRate, 1},
    {.name = "eer",
     .title = "Equal error rate",
     .kind = kRate,
     .better = -1,
     .headline = 3,
     .followed = true,
     .meaning = "errors when “same or not?” is asked of pairs"},
    {.name = "accuracy",
     .title = "Ten-fold accuracy",
     .kind = kRate,
     .better = 1,
     .headline = 5,
     .meaning = "“same or not?” at a threshold set on other classes"},
    {"tar_at_far_1e-1", "True accepts at 10 % false accepts", kRate, 1},
    {"tar_at_far_1e-2", "True accepts at 1 % false accepts", kRate, 1},
    {"tar_at_far_1e-3", "True accepts at 0.1 % false accepts", kRate, 1},
    {"tar_at_far_1e-4", "True accepts at 0.01 % false accepts", kRate, 1},
    {"positive_pairs", "Positive pairs compared", kCount, 0},
    {"negative_pairs", "Negative pairs compared", kCount, 0},
    {.name = "one_shot_accuracy",
     .title = "One-shot accuracy",
     .kind = kRate,
     .better = 1,
     .headline = 4,
     .meaning = "the right one picked from a single example each"},
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

std::vector<Metric> rows_where(bool (*holds)(const Metric&)) {
  std::vector<Metric> rows;
  std::ranges::copy_if(metric_table(), std::back_inserter(rows), holds);
  return rows;
}

}  // namespace

const std::vector<Metric>& metric_table() {
  static const std::vector<Metric> all = [] {
    std::vector<Metric> rows;
    for (const RetrievalMetric& metric : retrieval_metrics()) rows.push_back(metric.shown);
    rows.insert(rows.end(), std::begin(kOtherMetrics), std::end(kOtherMetrics));
    return rows;
  }();
  return all;
}

Metric find_metric(std::string_view name) {
  for (const Metric& metric : metric_table())
    if (name == metric.name) return metric;
  return {"", "", kReal, 0};
}

std::vector<Metric> headline_metrics() {
  std::vector<Metric> rows = rows_where([](const Metric& metric) { return metric.headline > 0; });
  std::ranges::stable_sort(rows, {}, &Metric::headline);
  return rows;
}

std::vector<Metric> followed_metrics() {
  return rows_where([](const Metric& metric) { return metric.followed; });
}

}  // namespace lodestone
