#include "trainer/eval/verification.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <unordered_map>

#include "common/rng.h"

namespace lodestone::eval {

namespace {

constexpr int64_t kFolds = 10;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct FoldedPair {
  double score;
  bool same;
  int64_t fold;
};

// Every fold has at least two classes of two rows or more. Fewer than two folds are none.
int64_t count_folds(const std::map<int64_t, int64_t>& members, int64_t folds) {
  const auto several = std::ranges::count_if(members, [](const auto& member) { return member.second > 1; });
  const int64_t found = std::min(folds, static_cast<int64_t>(several) / 2);
  return found < 2 ? 0 : found;
}

std::map<int64_t, int64_t> count_members(std::span<const int64_t> groups_N) {
  std::map<int64_t, int64_t> members;
  for (const int64_t group : groups_N) ++members[group];
  return members;
}

// Classes with two rows or more are assigned first, so that every fold gets positives and negatives of its
// own. Empty if there are too few of them for two folds.
std::unordered_map<int64_t, int64_t> deal_folds(std::span<const int64_t> groups_N, uint64_t seed,
                                                int64_t folds) {
  const std::map<int64_t, int64_t> members = count_members(groups_N);
  std::vector<int64_t> several;
  std::vector<int64_t> single;
  for (const auto& [group, count] : members) (count > 1 ? several : single).push_back(group);
  folds = count_folds(members, folds);
  std::unordered_map<int64_t, int64_t> fold_of;
  if (folds == 0) return fold_of;
  Random random(seed, Purpose::kTrials, 3);
  random.shuffle(several);
  random.shuffle(single);
  int64_t next = 0;
  for (const auto* deck : {&several, &single})
    for (int64_t group : *deck) fold_of[group] = next++ % folds;
  return fold_of;
}

// Pairs within one fold, best score first.
std::vector<FoldedPair> pairs_within_folds(const ScoredPairs& scored, std::span<const int64_t> groups_N,
                                           const std::unordered_map<int64_t, int64_t>& fold_of) {
  std::vector<int64_t> fold_N;
  for (int64_t group : groups_N) fold_N.push_back(fold_of.at(group));
  std::vector<FoldedPair> kept;
  const auto add = [&](const std::vector<RowPair>& pairs, const std::vector<double>& scores, bool same) {
    for (size_t k = 0; k < pairs.size(); ++k) {
      const int64_t fold = fold_N[static_cast<size_t>(pairs[k].i)];
      if (fold == fold_N[static_cast<size_t>(pairs[k].j)]) kept.push_back({scores[k], same, fold});
    }
  };
  add(scored.pairs.positives, scored.positive_scores, true);
  add(scored.pairs.negatives, scored.negative_scores, false);
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  return kept;
}

// Counts of accepted and of all pairs of one kind.
struct Tally {
  double accepted = 0;
  double total = 0;
  double rate() const { return accepted / total; }
};

// The threshold of the best balanced accuracy outside `held_out`, half-way between two scores; the strictest
// one of equals.
double best_threshold(const std::vector<FoldedPair>& pairs, int64_t held_out) {
  Tally same;
  Tally other;
  for (const FoldedPair& pair : pairs)
    if (pair.fold != held_out) ++(pair.same ? same : other).total;
  double best = kInfinity;
  double best_gain = 0;  // greatest TAR - FAR
  double previous = kInfinity;
  const auto consider = [&](double next) {
    const double gain = same.rate() - other.rate();
    if (!(gain > best_gain)) return;
    const double middle = previous / 2 + next / 2;
    best_gain = gain;
    best = middle > next ? middle : previous;
  };
  for (const FoldedPair& pair : pairs) {
    if (pair.fold == held_out) continue;
    if (pair.score < previous) consider(pair.score);
    previous = pair.score;
    if (pair.same)
      ++same.accepted;
    else
      ++other.accepted;
  }
  return best;
}

}  // namespace

double fold_accuracy(const ScoredPairs& scored, std::span<const int64_t> groups_N, uint64_t seed,
                     int64_t folds) {
  const auto fold_of = deal_folds(groups_N, seed, folds);
  if (fold_of.empty()) return std::numeric_limits<double>::quiet_NaN();
  const std::vector<FoldedPair> pairs = pairs_within_folds(scored, groups_N, fold_of);
  double sum = 0;
  double evaluated = 0;
  for (int64_t fold = 0; fold < folds; ++fold) {
    const double threshold = best_threshold(pairs, fold);
    Tally same;
    Tally other;
    for (const FoldedPair& pair : pairs) {
      if (pair.fold != fold) continue;
      Tally& tally = pair.same ? same : other;
      ++tally.total;
      if (pair.score >= threshold) ++tally.accepted;
    }
    // Sampling may have left a fold without pairs of one kind.
    if (same.total == 0 || other.total == 0) continue;
    sum += (same.rate() + 1 - other.rate()) / 2;
    ++evaluated;
  }
  return evaluated > 0 ? sum / evaluated : std::numeric_limits<double>::quiet_NaN();
}

Verification verify_pairs(const ScoredPairs& scored, std::span<const int64_t> groups_N, uint64_t seed,
                          std::optional<double> far) {
  Verification found;
  // Sorted here once for all.
  std::vector<double> positives = scored.positive_scores, negatives = scored.negative_scores;
  std::sort(positives.begin(), positives.end(), std::greater<>());
  std::sort(negatives.begin(), negatives.end(), std::greater<>());
  found.roc = roc_curve(positives, negatives);
  if (far) found.operating_point = operating_point(positives, negatives, *far);
  found.metrics.set("roc_auc", roc_auc(found.roc));
  found.metrics.set("average_precision", average_precision(std::move(positives), std::move(negatives)));
  found.metrics.set("eer", equal_error_rate(found.roc));
  found.metrics.set("accuracy", fold_accuracy(scored, groups_N, seed));
  found.metrics.set("accuracy_folds", static_cast<double>(count_folds(count_members(groups_N), kFolds)));
  found.metrics.set("tar_at_far_1e-1", tar_at_far(found.roc, 1e-1));
  found.metrics.set("tar_at_far_1e-2", tar_at_far(found.roc, 1e-2));
  found.metrics.set("tar_at_far_1e-3", tar_at_far(found.roc, 1e-3));
  found.metrics.set("tar_at_far_1e-4", tar_at_far(found.roc, 1e-4));
  found.metrics.set("positive_pairs", static_cast<double>(scored.positive_scores.size()));
  found.metrics.set("negative_pairs", static_cast<double>(scored.negative_scores.size()));
  return found;
}

}  // namespace lodestone::eval
