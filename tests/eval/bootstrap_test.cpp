#include "trainer/eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>

#include <gtest/gtest.h>

#include "common/error.h"
#include "eval/rows_for_tests.h"
#include "support/ranks.h"
#include "support/thread_count.h"
#include "trainer/eval/evaluate_rows.h"
#include "trainer/eval/spearman.h"

namespace lodestone {
using namespace distributed;
using namespace eval;
namespace {

// How often each group is drawn in resample r, as the header says it.
std::map<int64_t, int64_t> drawn(std::vector<int64_t> groups, uint64_t seed, int64_t r) {
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  Random random(seed, Purpose::kTrials, 7, static_cast<uint64_t>(r));
  std::map<int64_t, int64_t> counts;
  for (size_t d = 0; d < groups.size(); ++d) ++counts[groups[random.below(groups.size())]];
  return counts;
}

// Each measure of a resample in which every query and every pair is written out as often as it weighs.
std::map<std::string, double> naive_resample(const Retrieval& found, const ScoredPairs& scored,
                                             const std::vector<int64_t>& groups,
                                             std::map<int64_t, int64_t> counts) {
  const auto group = [&](int64_t row) { return groups[static_cast<size_t>(row)]; };
  Retrieval written;
  for (const QueryResult& result : found.queries)
    for (int64_t k = 0; k < counts[group(result.query)]; ++k) written.queries.push_back(result);
  const Metrics metrics = written.metrics();
  std::map<std::string, double> values(metrics.entries().begin(), metrics.entries().end());
  const auto repeated = [&](const std::vector<RowPair>& pairs, const std::vector<double>& scores) {
    std::vector<double> all;
    for (size_t k = 0; k < pairs.size(); ++k) {
      const int64_t a = group(pairs[k].i), b = group(pairs[k].j);
      all.insert(all.end(), static_cast<size_t>(a == b ? counts[a] : counts[a] * counts[b]), scores[k]);
    }
    return all;
  };
  const auto curve = roc_curve(repeated(scored.pairs.positives, scored.positive_scores),
                               repeated(scored.pairs.negatives, scored.negative_scores));
  values["roc_auc"] = roc_auc(curve);
  values["eer"] = equal_error_rate(curve);
  return values;
}

double naive_quantile(std::vector<double> values, double share) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const double below = values[static_cast<size_t>(std::floor(place))],
               above = values[static_cast<size_t>(std::ceil(place))];
  return below + (place - std::floor(place)) * (above - below);
}

std::vector<Interval> all_intervals(const LabelledRows& rows, const BootstrapOptions& options,
                                    const Group& group = single_group()) {
  MetricOptions metric_options;
  metric_options.bootstrap = options;
  return evaluate_rows(rows, metric_options, nullptr, group).intervals;
}

TEST(Bootstrap, EqualsResamplesWrittenOut) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    // Coarse rows have many ties and groups of one row; the clustered ones few ties.
    const LabelledRows rows = seed == 1 ? clustered_rows(seed, 40, 4, 7, 1.0)
                                        : coarse_rows(seed, 40, 3, 6 + 4 * static_cast<int64_t>(seed));
    const BootstrapOptions options{21, 0.9, seed};
    const Retrieval found = retrieve_leave_one_out(rows);
    const ScoredPairs scored = score_pairs(rows, Similarity::kCosine, {});
    std::map<std::string, std::vector<double>> expected;
    for (int64_t r = 0; r < options.resamples; ++r)
      for (const auto& [name, value] :
           naive_resample(found, scored, rows.groups_N, drawn(rows.groups_N, seed, r)))
        expected[name].push_back(value);
    const auto intervals = all_intervals(rows, options);
    ASSERT_EQ(intervals.size(), retrieval_metrics().size() + 2);
    for (const auto& [name, low, high] : intervals) {
      EXPECT_NEAR(low, naive_quantile(expected[name], 0.05), 1e-12) << name;
      EXPECT_NEAR(high, naive_quantile(expected[name], 0.95), 1e-12) << name;
    }
  }
}

TEST(Bootstrap, HoldsTheTruthAboutAsOftenAsItSays) {
  // Each class has a rate of its own, between 0 and 1, at which its 5 queries find what they look for: the
  // truth is 1/2. Resampled by queries instead of classes the interval would be far too narrow: it would hold
  // the truth in 4 of 5 trials.
  int held = 0;
  constexpr int kTrials = 300;
  for (uint64_t trial = 0; trial < kTrials; ++trial) {
    Random random(trial, Purpose::kNoise);
    Retrieval found;
    std::vector<int64_t> groups;
    for (int64_t c = 0; c < 50; ++c) {
      const double rate = random.uniform();
      for (int64_t q = 0; q < 5; ++q) {
        QueryResult result;
        result.query = static_cast<int64_t>(groups.size());
        result.relevant = 1;
        result.values.assign(retrieval_metrics().size(), random.uniform() < rate ? 1 : 0);
        found.queries.push_back(result);
        groups.push_back(c);
      }
    }
    const auto intervals = bootstrap_retrieval(found, Bootstrap(groups, {200, 0.95, trial}));
    if (intervals[0].low <= 0.5 && 0.5 <= intervals[0].high) ++held;
  }
  EXPECT_GE(held, 0.90 * kTrials);
  EXPECT_LE(held, 0.985 * kTrials);
}

TEST(Bootstrap, HoldsTheTrueAreaAboutAsOftenAsItSays) {
  // Each class shifts its scores by a normal number of its own, as does each pair: positives ~ N(1, 2),
  // negatives ~ N(0, 3).
  constexpr int kTrials = 120;
  const double truth = 0.5 * std::erfc(-1 / std::sqrt(5.0) / std::sqrt(2.0));
  int held = 0;
  for (uint64_t trial = 0; trial < kTrials; ++trial) {
    Random random(trial, Purpose::kNoise, 1);
    std::vector<int64_t> groups;
    std::vector<double> own, shift;
    ScoredPairs scored;
    for (int64_t c = 0; c < 40; ++c) {
      groups.insert(groups.end(), 2, c);
      own.push_back(random.normal());
      shift.push_back(random.normal());
      scored.pairs.positives.push_back({2 * c, 2 * c + 1});
      scored.positive_scores.push_back(1 + own.back() + random.normal());
      for (int64_t d = 0; d < c; ++d) {
        scored.pairs.negatives.push_back({2 * d, 2 * c});
        scored.negative_scores.push_back(shift[static_cast<size_t>(d)] + shift.back() + random.normal());
      }
    }
    const auto intervals = bootstrap_pairs(scored, Bootstrap(groups, {200, 0.95, trial}));
    if (intervals[0].low <= truth && truth <= intervals[0].high) ++held;
  }
  EXPECT_GE(held, 0.88 * kTrials);
}

// Pairs with many ties on both sides.
std::pair<std::vector<double>, std::vector<double>> graded_pairs(uint64_t seed, int64_t pairs) {
  Random random(seed, Purpose::kNoise, 2);
  std::pair<std::vector<double>, std::vector<double>> sides;
  for (int64_t p = 0; p < pairs; ++p) {
    const double shared = random.normal();
    sides.first.push_back(std::round(2 * (shared + random.normal())));
    sides.second.push_back(std::round(shared + random.normal()));
  }
  return sides;
}

std::vector<int64_t> numbers_below(int64_t count) {
  std::vector<int64_t> all(static_cast<size_t>(count));
  std::iota(all.begin(), all.end(), int64_t{0});
  return all;
}

TEST(Bootstrap, OfGradedPairsAndTrialsEqualsResamplesWrittenOut) {
  for (const int64_t pairs : {6, 40}) {
    const auto [a, b] = graded_pairs(static_cast<uint64_t>(pairs), pairs);
    const BootstrapOptions options{45, 0.9, 11};
    std::vector<double> correlations, means;
    for (int64_t r = 0; r < options.resamples; ++r) {
      std::vector<double> x, y;
      for (const auto& [p, count] : drawn(numbers_below(pairs), options.seed, r)) {
        x.insert(x.end(), static_cast<size_t>(count), a[static_cast<size_t>(p)]);
        y.insert(y.end(), static_cast<size_t>(count), b[static_cast<size_t>(p)]);
      }
      correlations.push_back(spearman(x, y));
      means.push_back(std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(pairs));
    }
    const Interval of_ranks = bootstrap_spearman(a, b, options), of_mean = bootstrap_mean("mean", a, options);
    EXPECT_NEAR(of_ranks.low, naive_quantile(correlations, 0.05), 1e-12) << pairs;
    EXPECT_NEAR(of_ranks.high, naive_quantile(correlations, 0.95), 1e-12) << pairs;
    EXPECT_NEAR(of_mean.low, naive_quantile(means, 0.05), 1e-12) << pairs;
    EXPECT_NEAR(of_mean.high, naive_quantile(means, 0.95), 1e-12) << pairs;
  }
}

TEST(Bootstrap, HoldsTheTrueRankCorrelationAboutAsOftenAsItSays) {
  // Of two normal numbers with a correlation of 0.6 that of the ranks is 6/π asin(0.6/2) (Pearson 1907).
  constexpr int kTrials = 300;
  const double truth = 6 / std::numbers::pi * std::asin(0.3);
  int held = 0;
  for (uint64_t trial = 0; trial < kTrials; ++trial) {
    Random random(trial, Purpose::kNoise, 3);
    std::vector<double> a, b;
    for (int p = 0; p < 80; ++p) {
      a.push_back(random.normal());
      b.push_back(0.6 * a.back() + 0.8 * random.normal());
    }
    const Interval interval = bootstrap_spearman(a, b, {200, 0.95, trial});
    if (interval.low <= truth && truth <= interval.high) ++held;
  }
  EXPECT_GE(held, 0.90 * kTrials);
  EXPECT_LE(held, 0.985 * kTrials);
}

TEST(Bootstrap, OfNoPairsOrTrialsIsUndefined) {
  const BootstrapOptions options{10, 0.95, 1};
  const std::vector<double> none, one = {1}, two = {1, 2}, equal = {3, 3, 3}, three = {1, 2, 3};
  for (const Interval& interval :
       {bootstrap_spearman(none, none, options), bootstrap_spearman(one, one, options),
        bootstrap_spearman(equal, three, options), bootstrap_mean("mean", none, options),
        bootstrap_mean("mean", one, options)}) {
    EXPECT_TRUE(std::isnan(interval.low));
    EXPECT_TRUE(std::isnan(interval.high));
  }
  EXPECT_THROW(bootstrap_spearman(one, two, options), Error);
}

void expect_equal(const std::vector<Interval>& a, const std::vector<Interval>& b) {
  EXPECT_EQ(to_json(a), to_json(b));
}

TEST(Bootstrap, IsTheSameOnAnyNumberOfThreadsAndRanks) {
  const LabelledRows rows = coarse_rows(4, 60, 4, 12);
  const BootstrapOptions options{37, 0.95, 9};
  const auto expected = all_intervals(rows, options);
  {
    const testing::ThreadCount threads(3);
    expect_equal(all_intervals(rows, options), expected);
  }
  for (const int world : {2, 3, 4})
    testing::run_ranks(world, [&](const Group& group) {
      const auto found = all_intervals(rows, options, group);
      if (group.rank() == 0) expect_equal(found, expected);
    });
  const auto [a, b] = graded_pairs(1, 50);
  const std::vector<Interval> of_items = {bootstrap_spearman(a, b, options),
                                          bootstrap_mean("mean", a, options)};
  for (const int world : {2, 3, 4})
    testing::run_ranks(world, [&, &a = a, &b = b](const Group& group) {
      expect_equal({bootstrap_spearman(a, b, options, group), bootstrap_mean("mean", a, options, group)},
                   of_items);
    });
  // More ranks than resamples.
  const auto two = all_intervals(rows, {2, 0.95, 9});
  testing::run_ranks(4, [&](const Group& group) {
    const auto found = all_intervals(rows, {2, 0.95, 9}, group);
    if (group.rank() == 0) expect_equal(found, two);
  });
}

TEST(Bootstrap, DependsOnItsSeed) {
  const LabelledRows rows = clustered_rows(5, 60, 4, 12, 1.5);
  EXPECT_NE(to_json(all_intervals(rows, {40, 0.95, 1})), to_json(all_intervals(rows, {40, 0.95, 2})));
}

TEST(Bootstrap, IsUndefinedForOneClassAndAbsentWithoutResamples) {
  LabelledRows rows = coarse_rows(6, 10, 3, 1);
  for (const auto& [name, low, high] : all_intervals(rows, {10, 0.95, 1})) {
    EXPECT_TRUE(std::isnan(low)) << name;
    EXPECT_TRUE(std::isnan(high)) << name;
  }
  EXPECT_TRUE(all_intervals(rows, {0, 0.95, 1}).empty());
  EXPECT_THROW(Bootstrap(rows.groups_N, {-1, 0.95, 1}), Error);
  EXPECT_THROW(Bootstrap(rows.groups_N, {1, 1.0, 1}), Error);
}

}  // namespace
}  // namespace lodestone
