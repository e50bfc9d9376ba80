#include "trainer/eval/metric_table.h"

#include <algorithm>
#include <iterator>

#include "trainer/eval/retrieval_metrics.h"

namespace lodestone::eval {

namespace {

using enum Metric::Kind;

// Metrics that are not means over queries: each is computed where its family is.
constexpr Metric kOtherMetrics[] = {
    {.name = "queries", .title = "Queries", .kind = kCount, .better = 0},
    {.name = "lone_queries", .title = "Lone queries, left out", .kind = kCount, .better = 0},
    {.name = "roc_auc",
     .title = "Area under the ROC curve",
     .kind = kRate,
     .better = 1,
     .meaning = "how often a pair that is the same scores above one that is not"},
    {.name = "average_precision",
     .title = "Average precision of pairs",
     .kind = kRate,
     .better = 1,
     .meaning = "how well the pairs that are the same come before all others"},
    {.name = "eer",
     .title = "Equal error rate",
     .kind = kRate,
     .better = -1,
     .followed = true,
     .meaning = "errors when “same or not?” is asked of pairs"},
    {.name = "accuracy",
     .title = "Ten-fold accuracy",
     .kind = kRate,
     .better = 1,
     .meaning = "“same or not?” at a threshold set on other classes"},
    {.name = "accuracy_folds", .title = "Folds of that accuracy", .kind = kCount, .better = 0},
    {.name = "tar_at_far_1e-1", .title = "True accepts at 10 % false accepts", .kind = kRate, .better = 1},
    {.name = "tar_at_far_1e-2", .title = "True accepts at 1 % false accepts", .kind = kRate, .better = 1},
    {.name = "tar_at_far_1e-3",
     .title = "True accepts at 0.1 % false accepts",
     .kind = kRate,
     .better = 1,
     .meaning = "accepted pairs that are the same, where one in 1,000 others is accepted"},
    {.name = "tar_at_far_1e-4", .title = "True accepts at 0.01 % false accepts", .kind = kRate, .better = 1},
    {.name = "positive_pairs", .title = "Positive pairs compared", .kind = kCount, .better = 0},
    {.name = "negative_pairs", .title = "Negative pairs compared", .kind = kCount, .better = 0},
    {.name = "one_shot_accuracy",
     .title = "One-shot accuracy",
     .kind = kRate,
     .better = 1,
     .meaning = "the right one picked from a single example each"},
    {.name = "triplet_accuracy",
     .title = "Triplets in the right order",
     .kind = kRate,
     .better = 1,
     .followed = true,
     .meaning = "the positive is nearer to the anchor than the negative"},
    {.name = "triplets", .title = "Triplets compared", .kind = kCount, .better = 0},
    {.name = "spearman",
     .title = "Spearman's rank correlation",
     .kind = kReal,
     .better = 1,
     .followed = true,
     .meaning = "how well the order of scores agrees with that of people's grades, at most 1"},
    {.name = "graded_pairs", .title = "Graded pairs", .kind = kCount, .better = 0},
    {.name = "image_to_text_recall_at_1",
     .title = "Image to text, recall at 1",
     .kind = kRate,
     .better = 1,
     .followed = true,
     .meaning = "the nearest of all captions is one of the image's own"},
    {.name = "image_to_text_recall_at_5", .title = "Image to text, recall at 5", .kind = kRate, .better = 1},
    {.name = "image_to_text_recall_at_10",
     .title = "Image to text, recall at 10",
     .kind = kRate,
     .better = 1,
     .meaning = "one of the image's own captions is among the 10 nearest"},
    {.name = "text_to_image_recall_at_1",
     .title = "Text to image, recall at 1",
     .kind = kRate,
     .better = 1,
     .followed = true,
     .meaning = "the nearest of all images is the caption's own"},
    {.name = "text_to_image_recall_at_5", .title = "Text to image, recall at 5", .kind = kRate, .better = 1},
    {.name = "text_to_image_recall_at_10",
     .title = "Text to image, recall at 10",
     .kind = kRate,
     .better = 1,
     .meaning = "the caption's own image is among the 10 nearest"},
    {.name = "pictures", .title = "Images", .kind = kCount, .better = 0},
    {.name = "captions", .title = "Captions", .kind = kCount, .better = 0},
    {.name = "alignment", .title = "Alignment", .kind = kReal, .better = -1},
    {.name = "uniformity", .title = "Uniformity", .kind = kReal, .better = -1},
    {.name = "effective_rank", .title = "Effective rank", .kind = kReal, .better = 1},
};

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
  return {.name = "", .title = "", .kind = kReal, .better = 0};
}

std::vector<Metric> followed_metrics() {
  std::vector<Metric> rows;
  std::ranges::copy_if(metric_table(), std::back_inserter(rows), &Metric::followed);
  return rows;
}

}  // namespace lodestone::eval
