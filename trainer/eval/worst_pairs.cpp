#include "trainer/eval/worst_pairs.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "trainer/eval/spearman.h"

namespace lodestone::eval {

namespace {

/// A pair that is wrong, and by how much.
struct Error {
  JudgedPair judged;
  double size;
};

// The largest errors, of which no two share a row.
std::vector<JudgedPair> largest(std::vector<Error> errors, int64_t count) {
  std::stable_sort(errors.begin(), errors.end(),
                   [](const auto& a, const auto& b) { return a.size > b.size; });
  std::vector<JudgedPair> kept;
  std::unordered_set<int64_t> shown;
  for (const Error& error : errors) {
    if (static_cast<int64_t>(kept.size()) >= count) break;
    const RowPair pair = error.judged.pair;
    if (shown.contains(pair.i) || shown.contains(pair.j)) continue;
    shown.insert({pair.i, pair.j});
    kept.push_back(error.judged);
  }
  return kept;
}

}  // namespace

WorstPairs worst_pairs(const ScoredPairs& scored, const std::vector<RocPoint>& roc, int64_t count) {
  WorstPairs worst;
  if (roc.size() < 2) return worst;
  const auto gap = [](const RocPoint& point) { return std::abs(point.far - (1 - point.tar)); };
  // The first point accepts nothing: its threshold is infinite.
  const double threshold = std::min_element(roc.begin() + 1, roc.end(), [&](const auto& a, const auto& b) {
                             return gap(a) < gap(b);
                           })->threshold;
  worst.threshold = threshold;
  std::vector<Error> accepts, rejects;
  for (size_t k = 0; k < scored.negative_scores.size(); ++k)
    if (const double score = scored.negative_scores[k]; score >= threshold)
      accepts.push_back({{scored.pairs.negatives[k], score}, score});
  for (size_t k = 0; k < scored.positive_scores.size(); ++k)
    if (const double score = scored.positive_scores[k]; score < threshold)
      rejects.push_back({{scored.pairs.positives[k], score}, -score});
  worst.accepts = largest(std::move(accepts), count);
  worst.rejects = largest(std::move(rejects), count);
  return worst;
}

WorstPairs worst_graded_pairs(std::span<const JudgedPair> pairs, int64_t count) {
  std::vector<double> scores, grades;
  for (const JudgedPair& pair : pairs) {
    scores.push_back(pair.score);
    grades.push_back(pair.grade.value_or(0));
  }
  const std::vector<double> by_score = centred_ranks(scores), by_grade = centred_ranks(grades);
  std::vector<Error> accepts, rejects;
  for (size_t p = 0; p < pairs.size(); ++p) {
    const double above = by_score[p] - by_grade[p];
    if (above > 0) accepts.push_back({pairs[p], above});
    if (above < 0) rejects.push_back({pairs[p], -above});
  }
  return {{}, largest(std::move(accepts), count), largest(std::move(rejects), count)};
}

}  // namespace lodestone::eval
