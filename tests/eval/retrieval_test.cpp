#include "trainer/eval/retrieval.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "eval/rows_for_tests.h"
#include "support/ranks.h"

namespace lodestone {
using namespace distributed;
using namespace eval;
namespace {

struct Candidate {
  double score;
  bool relevant;
  int64_t index;
};

// One query's measures from the whole ranking, each as its definition reads.
std::map<std::string, double> naive_query(const std::vector<Candidate>& ranked, int64_t relevant,
                                          const std::vector<int64_t>& groups, int64_t knn) {
  const int64_t seen = static_cast<int64_t>(ranked.size());
  const auto rel = [&](int64_t i) {
    return i <= seen && ranked[static_cast<size_t>(i - 1)].relevant ? 1.0 : 0.0;
  };
  const auto hits = [&](int64_t k) {
    double sum = 0;
    for (int64_t i = 1; i <= k; ++i) sum += rel(i);
    return sum;
  };
  std::map<std::string, double> found;
  for (int64_t k : {1, 5, 10}) found["recall_at_" + std::to_string(k)] = hits(k) > 0 ? 1 : 0;
  found["precision_at_1"] = rel(1);
  const double r = static_cast<double>(relevant);
  found["r_precision"] = hits(relevant) / r;
  double dcg = 0;
  double ideal = 0;
  for (int64_t i = 1; i <= relevant; ++i) found["map_at_r"] += rel(i) * hits(i) / static_cast<double>(i) / r;
  for (int64_t i = 10; i >= 1; --i) {
    if (rel(i) > 0) found["mrr_at_10"] = 1 / static_cast<double>(i);
    dcg += rel(i) / std::log2(i + 1.0);
    if (i <= relevant) ideal += 1 / std::log2(i + 1.0);
  }
  found["ndcg_at_10"] = dcg / ideal;
  std::map<int64_t, int64_t> votes;
  double own = 0;
  for (int64_t i = 1; i <= std::min(knn, seen); ++i) {
    const Candidate& voter = ranked[static_cast<size_t>(i - 1)];
    if (voter.relevant)
      ++own;
    else
      ++votes[groups[static_cast<size_t>(voter.index)]];
  }
  bool wins = own > 0;
  for (const auto& [group, count] : votes) wins = wins && own > static_cast<double>(count);
  found["knn_accuracy"] = wins ? 1 : 0;
  return found;
}

std::map<std::string, double> naive_leave_one_out(const LabelledRows& rows, Similarity similarity,
                                                  int64_t knn) {
  std::map<std::string, double> sums;
  double queries = 0;
  double lone = 0;
  const int64_t count = rows.x_ND.size(0);
  for (int64_t i = 0; i < count; ++i) {
    std::vector<Candidate> ranked;
    int64_t relevant = 0;
    for (int64_t j = 0; j < count; ++j) {
      if (j == i) continue;
      const bool same = rows.groups_N[static_cast<size_t>(i)] == rows.groups_N[static_cast<size_t>(j)];
      relevant += same ? 1 : 0;
      ranked.push_back({naive_score(rows.x_ND, i, rows.x_ND, j, similarity), same, j});
    }
    std::sort(ranked.begin(), ranked.end(), [](const Candidate& a, const Candidate& b) {
      if (a.score != b.score) return a.score > b.score;
      return a.relevant != b.relevant ? b.relevant : a.index < b.index;
    });
    if (relevant == 0) {
      ++lone;
      continue;
    }
    ++queries;
    for (const auto& [name, value] : naive_query(ranked, relevant, rows.groups_N, knn)) sums[name] += value;
  }
  for (auto& [name, value] : sums) value /= queries;
  sums["queries"] = queries;
  sums["lone_queries"] = lone;
  return sums;
}

void expect_same(const Metrics& found, const std::map<std::string, double>& expected) {
  ASSERT_EQ(found.entries().size(), retrieval_metrics().size() + 2);
  for (const auto& [name, value] : found.entries()) {
    ASSERT_TRUE(expected.contains(name)) << name << ": naive_query lacks its definition";
    EXPECT_NEAR(value, expected.at(name), 1e-12) << name;
  }
}

TEST(Retrieval, EqualsItsDefinitionsWithTiesDuplicatesAndLoneQueries) {
  for (uint64_t seed = 0; seed < 6; ++seed)
    for (Similarity similarity : {Similarity::kCosine, Similarity::kL2})
      for (int64_t knn : {1, 4}) {
        const LabelledRows rows = coarse_rows(seed, 60, 3, 4 + 8 * static_cast<int64_t>(seed));
        expect_same(retrieve_leave_one_out(rows, {similarity, knn}).metrics(),
                    naive_leave_one_out(rows, similarity, knn));
      }
}

TEST(Retrieval, EqualsItsDefinitionsOnClusters) {
  const LabelledRows rows = clustered_rows(1, 90, 16, 6, 1.2);
  expect_same(retrieve_leave_one_out(rows).metrics(), naive_leave_one_out(rows, Similarity::kCosine, 5));
}

TEST(Retrieval, HandExample) {
  // On a line, seen from 0: relevant at ranks 1 and 4 of R = 2.
  const LabelledRows query{rows_of({{0}}), {1}};
  const LabelledRows gallery{rows_of({{1}, {2}, {3}, {4}, {5}}), {1, 2, 2, 1, 3}};
  const Metrics found = retrieve(query, gallery, {Similarity::kL2, 3}).metrics();
  EXPECT_DOUBLE_EQ(*found.find("recall_at_1"), 1);
  EXPECT_DOUBLE_EQ(*found.find("r_precision"), 0.5);
  EXPECT_DOUBLE_EQ(*found.find("map_at_r"), 0.5);
  EXPECT_DOUBLE_EQ(*found.find("mrr_at_10"), 1);
  EXPECT_NEAR(*found.find("ndcg_at_10"), (1 + 1 / std::log2(5.0)) / (1 + 1 / std::log2(3.0)), 1e-12);
  EXPECT_DOUBLE_EQ(*found.find("knn_accuracy"), 0);  // one vote against two
}

TEST(Retrieval, CollapsedEmbeddingsScoreNothing) {
  LabelledRows rows{at::ones({40, 8}), {}};
  for (int64_t i = 0; i < 40; ++i) rows.groups_N.push_back(i / 4);
  for (Similarity similarity : {Similarity::kCosine, Similarity::kL2}) {
    const Metrics found = retrieve_leave_one_out(rows, {similarity, 5}).metrics();
    for (const auto& metric : retrieval_metrics())
      EXPECT_EQ(*found.find(metric.shown.name), 0) << metric.shown.name;
  }
}

TEST(Retrieval, OneClassIsAlwaysRightAndLoneRowsAreUndefined) {
  const LabelledRows one{coarse_rows(2, 20, 3, 1).x_ND, std::vector<int64_t>(20, 5)};
  const Metrics right = retrieve_leave_one_out(one).metrics();
  for (const auto& metric : retrieval_metrics())
    EXPECT_DOUBLE_EQ(*right.find(metric.shown.name), 1) << metric.shown.name;
  LabelledRows lone = one;
  for (int64_t i = 0; i < 20; ++i) lone.groups_N[static_cast<size_t>(i)] = i;
  const Metrics none = retrieve_leave_one_out(lone).metrics();
  EXPECT_FALSE(none.find("recall_at_1"));
  EXPECT_EQ(*none.find("lone_queries"), 20);
}

// The one row that can vote for the query's class ties with each of the other four voters.
TEST(Retrieval, AVoteThatNobodyCanWinIsUndefined) {
  LabelledRows rows = coarse_rows(3, 20, 3, 1);
  for (int64_t i = 0; i < 20; ++i) rows.groups_N[static_cast<size_t>(i)] = i / 2;
  const Metrics found = retrieve_leave_one_out(rows).metrics();
  EXPECT_FALSE(found.find("knn_accuracy"));
  EXPECT_TRUE(found.find("recall_at_1"));
}

TEST(Retrieval, LookAlikesOfOneGroupCountAsTheSame) {
  const at::Tensor x_ND = rows_of({{0}, {0.1F}, {5}, {5.1F}});
  EXPECT_EQ(*retrieve_leave_one_out({x_ND, {0, 0, 1, 1}}, {Similarity::kL2}).metrics().find("recall_at_1"),
            1);
  EXPECT_EQ(*retrieve_leave_one_out({x_ND, {0, 1, 0, 1}}, {Similarity::kL2}).metrics().find("recall_at_1"),
            0);
}

TEST(Retrieval, DoesNotDependOnTheOrderOfRows) {
  const LabelledRows rows = coarse_rows(9, 70, 3, 12);
  std::vector<int64_t> order = Random(1, Purpose::kShuffle).permutation(70);
  LabelledRows shuffled{rows.x_ND.index_select(0, at::tensor(order)), {}};
  for (int64_t i : order) shuffled.groups_N.push_back(rows.groups_N[static_cast<size_t>(i)]);
  const Metrics a = retrieve_leave_one_out(rows).metrics();
  const Metrics b = retrieve_leave_one_out(shuffled).metrics();
  for (const auto& [name, value] : a.entries()) {
    if (name == "knn_accuracy") continue;  // its ties are by index
    EXPECT_NEAR(value, *b.find(name), 1e-12) << name;
  }
}

void expect_equal(const Retrieval& a, const Retrieval& b) {
  ASSERT_EQ(a.queries.size(), b.queries.size());
  for (size_t q = 0; q < a.queries.size(); ++q) {
    const QueryResult &x = a.queries[q], &y = b.queries[q];
    EXPECT_EQ(std::tie(x.query, x.relevant, x.first_hit, x.nearest, x.values),
              std::tie(y.query, y.relevant, y.first_hit, y.nearest, y.values));
  }
  EXPECT_EQ(to_json(a.metrics()), to_json(b.metrics()));
}

TEST(Retrieval, IsTheSameOnAnyNumberOfRanks) {
  const LabelledRows rows = coarse_rows(10, 50, 4, 7), few = coarse_rows(11, 3, 4, 2),
                     none{at::ones({0, 4}), {}};
  const Retrieval alone = retrieve_leave_one_out(rows), across = retrieve(few, rows);
  for (const int world : {1, 2, 3, 4})
    testing::run_ranks(world, [&](const Group& group) {
      expect_equal(retrieve_leave_one_out(rows, {}, group), alone);
      expect_equal(retrieve(few, rows, {}, group), across);  // of 4 ranks one has no query
      EXPECT_TRUE(retrieve(none, rows, {}, group).queries.empty());
    });
}

TEST(Retrieval, ReportsTheNearestAndTheFirstHit) {
  const LabelledRows query{rows_of({{0}, {9}}), {1, 7}};
  const LabelledRows gallery{rows_of({{3}, {2}, {1}, {4}}), {1, 2, 2, 3}};
  const Retrieval found = retrieve(query, gallery, {Similarity::kL2, 3});
  EXPECT_EQ(found.queries[0].nearest, 2);
  EXPECT_EQ(found.queries[0].first_hit, 3);
  EXPECT_EQ(found.queries[0].relevant, 1);
  EXPECT_TRUE(found.queries[1].lone());
  EXPECT_EQ(found.queries[1].nearest, -1);
  EXPECT_EQ(found.recall_curve(4), (std::vector<double>{0, 0, 1, 1}));
  EXPECT_TRUE(Retrieval{}.recall_curve(4).empty());
}

TEST(Retrieval, LooksAsDeepAsItIsAsked) {
  const LabelledRows rows = clustered_rows(12, 120, 3, 40, 3);
  const std::vector<double> curve =
      retrieve_leave_one_out(rows, {Similarity::kCosine, 5, 60}).recall_curve(60);
  const Metrics metrics = retrieve_leave_one_out(rows).metrics();
  for (const int64_t k : {1, 5, 10})
    EXPECT_DOUBLE_EQ(curve[static_cast<size_t>(k - 1)], *metrics.find("recall_at_" + std::to_string(k)));
  EXPECT_GT(curve[59], curve[9]);
}

TEST(Retrieval, RefusesWhatDoesNotFit) {
  EXPECT_THROW(retrieve_leave_one_out({at::ones({3, 2}), {1, 2}}), Error);
  EXPECT_THROW(retrieve_leave_one_out({at::ones({2, 2}), {1, 1}, {1}}), Error);
  EXPECT_THROW(retrieve_leave_one_out({at::ones({2, 2}), {1, 1}}, {Similarity::kCosine, 0}), Error);
  EXPECT_THROW(retrieve({at::ones({2, 2}), {1, 1}}, {at::ones({2, 3}), {1, 1}}), Error);
}

}  // namespace
}  // namespace lodestone
