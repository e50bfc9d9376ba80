#include "trainer/eval/pairs.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "common/error.h"
#include "common/parallel.h"
#include "common/rng.h"

namespace lodestone::eval {

namespace {

// Draws `count` different numbers below `total`, ascending; every such set is equally likely.
std::vector<uint64_t> distinct_below(uint64_t total, size_t count, Random random) {
  std::vector<uint64_t> codes;
  codes.reserve(count);
  while (codes.size() < count) {
    for (size_t missing = count - codes.size(); missing > 0; --missing) codes.push_back(random.below(total));
    std::sort(codes.begin(), codes.end());
    codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
  }
  return codes;
}

// Numbers pairs without listing them. Rows are ordered by group; the row at position p has one run of later
// partners for each kind of pair: the rest of its group, or all rows after its group.
struct Numbering {
  std::vector<int64_t> order;
  std::vector<int64_t> first_partner;
  std::vector<int64_t>
      pairs_before;  // number of pairs of the positions before p; one more entry for the total

  Numbering(std::span<const int64_t> groups, bool positive) : order(groups.size()) {
    const int64_t count = static_cast<int64_t>(groups.size());
    std::iota(order.begin(), order.end(), int64_t{0});
    const auto group_at = [&](int64_t p) {
      return groups[static_cast<size_t>(order[static_cast<size_t>(p)])];
    };
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return groups[static_cast<size_t>(a)] < groups[static_cast<size_t>(b)];
    });
    pairs_before.push_back(0);
    int64_t group_end = 0;
    for (int64_t p = 0; p < count; ++p) {
      if (p == group_end)
        while (group_end < count && group_at(group_end) == group_at(p)) ++group_end;
      first_partner.push_back(positive ? p + 1 : group_end);
      pairs_before.push_back(pairs_before.back() + (positive ? group_end : count) - first_partner.back());
    }
  }

  RowPair pair(size_t position, int64_t offset) const {
    const int64_t a = order[position];
    const int64_t b = order[static_cast<size_t>(first_partner[position] + offset)];
    return {std::min(a, b), std::max(a, b)};
  }
};

std::vector<RowPair> take(const Numbering& numbering, int64_t cap, Random random) {
  const auto& before = numbering.pairs_before;
  std::vector<RowPair> pairs;
  if (before.back() <= cap) {
    pairs.reserve(static_cast<size_t>(before.back()));
    for (size_t p = 0; p + 1 < before.size(); ++p)
      for (int64_t offset = 0; offset < before[p + 1] - before[p]; ++offset)
        pairs.push_back(numbering.pair(p, offset));
  } else {
    size_t p = 0;
    for (uint64_t code :
         distinct_below(static_cast<uint64_t>(before.back()), static_cast<size_t>(cap), random)) {
      while (before[p + 1] <= static_cast<int64_t>(code)) ++p;
      pairs.push_back(numbering.pair(p, static_cast<int64_t>(code) - before[p]));
    }
  }
  std::sort(pairs.begin(), pairs.end(),
            [](const RowPair& a, const RowPair& b) { return a.i != b.i ? a.i < b.i : a.j < b.j; });
  return pairs;
}

std::vector<double> scores_of(const std::vector<RowPair>& pairs, const PairScore& score,
                              const distributed::Group& group) {
  const ItemRange own = range_of_rank(static_cast<int64_t>(pairs.size()), group);
  std::vector<double> scores(static_cast<size_t>(own.end - own.begin));
  parallel_ranges(own.end - own.begin, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const RowPair pair = pairs[static_cast<size_t>(own.begin + k)];
      scores[static_cast<size_t>(k)] = score(pair.i, pair.j);
    }
  });
  return gather_items(group, std::move(scores));
}

std::vector<double> shares(const std::vector<double>& scores, Similarity similarity, double low, double high,
                           int64_t bins) {
  if (scores.empty()) return {};
  std::vector<double> share(static_cast<size_t>(bins));
  for (double score : scores) {
    const double place =
        (distance_of_score(score, similarity) - low) / (high - low) * static_cast<double>(bins);
    share[static_cast<size_t>(std::clamp<int64_t>(static_cast<int64_t>(place), 0, bins - 1))] += 1;
  }
  for (double& value : share) value /= static_cast<double>(scores.size());
  return share;
}

}  // namespace

ChosenPairs choose_pairs(std::span<const int64_t> labels_N, std::span<const int64_t> groups_N,
                         const PairOptions& options) {
  if (options.max_positives < 0 || options.max_negatives < 0)
    throw Error("pairs: expected caps of at least 0, got " + std::to_string(options.max_positives) + " and " +
                std::to_string(options.max_negatives));
  const Numbering positive(labels_N, true);
  const Numbering negative(groups_N, false);
  return {take(positive, options.max_positives, Random(options.seed, Purpose::kTrials, 1)),
          take(negative, options.max_negatives, Random(options.seed, Purpose::kTrials, 2)),
          positive.pairs_before.back(), negative.pairs_before.back()};
}

ScoredPairs score_pairs(ChosenPairs pairs, const Comparison& rows, const distributed::Group& group) {
  ScoredPairs scored;
  scored.pairs = std::move(pairs);
  scored.positive_scores = scores_of(scored.pairs.positives, rows.score, group);
  scored.negative_scores = scores_of(scored.pairs.negatives, rows.score, group);
  scored.similarity = rows.similarity;
  return scored;
}

ScoredPairs score_pairs(const LabelledRows& rows, Similarity similarity, const PairOptions& options) {
  check_labelled(rows);
  const ComparableRows ready(rows.x_ND, similarity);
  return score_pairs(choose_pairs(rows.labels(), rows.groups_N, options), compare_rows(ready, rows.groups_N));
}

DistanceHistogram distance_histogram(const ScoredPairs& scored, int64_t bins) {
  if (bins < 1) throw Error("histogram: expected at least 1 bin, got " + std::to_string(bins));
  double best = -std::numeric_limits<double>::infinity();
  double worst = -best;
  for (const auto* scores : {&scored.positive_scores, &scored.negative_scores}) {
    for (double score : *scores) {
      best = std::max(best, score);
      worst = std::min(worst, score);
    }
  }
  DistanceHistogram histogram;
  if (worst > best) return histogram;
  histogram.low = distance_of_score(best, scored.similarity);
  histogram.high = distance_of_score(worst, scored.similarity);
  if (!(histogram.high > histogram.low)) histogram.high = histogram.low + 1;
  histogram.positives =
      shares(scored.positive_scores, scored.similarity, histogram.low, histogram.high, bins);
  histogram.negatives =
      shares(scored.negative_scores, scored.similarity, histogram.low, histogram.high, bins);
  return histogram;
}

}  // namespace lodestone::eval
