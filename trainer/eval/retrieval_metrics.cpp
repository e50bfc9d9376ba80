#include "trainer/eval/retrieval_metrics.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace lodestone::eval {

namespace {

using enum Metric::Kind;

double as_rate(bool holds) {
  return holds ? 1 : 0;
}

template <int64_t k>
double recall_at(const RankedList& list) {
  return as_rate(list.first_hit != 0 && list.first_hit <= k);
}

double r_precision(const RankedList& list) {
  double hits = 0;
  for (int64_t rank = 1; rank <= list.relevant; ++rank) hits += as_rate(list.relevant_at(rank));
  return hits / static_cast<double>(list.relevant);
}

double map_at_r(const RankedList& list) {
  double hits = 0, sum = 0;
  for (int64_t rank = 1; rank <= list.relevant; ++rank) {
    if (!list.relevant_at(rank)) continue;
    hits += 1;
    sum += hits / static_cast<double>(rank);
  }
  return sum / static_cast<double>(list.relevant);
}

double mrr_at_10(const RankedList& list) {
  return recall_at<10>(list) > 0 ? 1 / static_cast<double>(list.first_hit) : 0;
}

double ndcg_at_10(const RankedList& list) {
  double found = 0, ideal = 0;
  for (int64_t rank = 1; rank <= 10; ++rank) {
    const double gain = 1 / std::log2(static_cast<double>(rank) + 1);
    if (list.relevant_at(rank)) found += gain;
    if (rank <= list.relevant) ideal += gain;
  }
  return found / ideal;
}

// Strictly more votes than any other group: an undecided vote counts against the model.
double knn_accuracy(const RankedList& list) {
  std::unordered_map<int64_t, int64_t> votes;
  int64_t own = 0;
  int64_t most_of_others = 0;
  for (const Neighbour& voter :
       list.found.first(std::min(list.found.size(), static_cast<size_t>(list.knn)))) {
    const int64_t count = ++votes[list.gallery_groups[static_cast<size_t>(voter.index)]];
    int64_t& best = voter.relevant ? own : most_of_others;
    best = std::max(best, count);
  }
  return as_rate(own > most_of_others);
}

constexpr RetrievalMetric kMetrics[] = {
    {.shown = {.name = "recall_at_1",
               .title = "Recall at 1",
               .kind = kRate,
               .better = 1,
               .followed = true,
               .meaning = "the nearest other sample is of the same class or pair"},
     .value = recall_at<1>,
     .depth = 1},
    {.shown = {.name = "recall_at_5", .title = "Recall at 5", .kind = kRate, .better = 1},
     .value = recall_at<5>,
     .depth = 5},
    {.shown = {.name = "recall_at_10",
               .title = "Recall at 10",
               .kind = kRate,
               .better = 1,
               .meaning = "one of the 10 nearest other samples is of the same class or pair"},
     .value = recall_at<10>,
     .depth = 10},
    {.shown = {.name = "precision_at_1", .title = "Precision at 1", .kind = kRate, .better = 1},
     .value = recall_at<1>,
     .depth = 1},
    {.shown = {.name = "r_precision", .title = "R-precision", .kind = kRate, .better = 1},
     .value = r_precision},
    {.shown = {.name = "map_at_r",
               .title = "MAP at R",
               .kind = kRate,
               .better = 1,
               .followed = true,
               .meaning = "how well all samples of the class come first"},
     .value = map_at_r},
    {.shown = {.name = "mrr_at_10", .title = "MRR at 10", .kind = kRate, .better = 1},
     .value = mrr_at_10,
     .depth = 10},
    {.shown = {.name = "ndcg_at_10", .title = "nDCG at 10", .kind = kRate, .better = 1},
     .value = ndcg_at_10,
     .depth = 10},
    {.shown = {.name = "knn_accuracy", .title = "k-nearest-neighbour accuracy", .kind = kRate, .better = 1},
     .value = knn_accuracy,
     .least_relevant = 2},
};

}  // namespace

std::span<const RetrievalMetric> retrieval_metrics() {
  return kMetrics;
}

}  // namespace lodestone::eval
