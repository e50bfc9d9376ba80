#include "trainer/eval/tf_idf.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "common/error.h"
#include "common/rng.h"
#include "trainer/eval/evaluate_rows.h"

namespace lodestone {
using namespace eval;
namespace {

const std::vector<std::string> kTexts = {
    "Wake me up at six", "wake me at SIX please", "how warm is it", " a ", "Größe ὈΔΥΣΣΕΎΣ", "", "how warm"};

// scikit-learn: TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit_transform(texts)
TEST(TfIdf, EqualsScikitLearn) {
  const TfIdf rows(kTexts);
  EXPECT_EQ(rows.terms(), 123);
  EXPECT_NEAR(rows.score(0, 0), 1, 1e-12);
  EXPECT_NEAR(rows.score(0, 1), 0.675460940200742, 1e-12);
  EXPECT_NEAR(rows.score(0, 2), 0.0595861818319429, 1e-12);
  EXPECT_NEAR(rows.score(0, 3), 0.0600509920268053, 1e-12);
  EXPECT_NEAR(rows.score(1, 4), 0.037740847260043, 1e-12);
  EXPECT_NEAR(rows.score(2, 6), 0.707600417014828, 1e-12);
  EXPECT_EQ(rows.score(5, 5), 0);
}

TEST(TfIdf, BothWaysOfScoringAreTheSameNumber) {
  const TfIdf rows(kTexts);
  for (int64_t i = 0; i < rows.size(); ++i) {
    const auto all = rows.scores(i);
    for (int64_t j = 0; j < rows.size(); ++j) {
      EXPECT_EQ(all[static_cast<size_t>(j)], rows.score(i, j));
      EXPECT_EQ(rows.score(i, j), rows.score(j, i));
    }
  }
}

TEST(TfIdf, FindsWhatAFullSortFinds) {
  Random random(5, Purpose::kTrials);
  std::vector<std::string> texts;
  std::vector<int64_t> groups;
  for (int64_t i = 0; i < 200; ++i) {
    std::string text;
    for (int n = 0; n < 12; ++n)
      text += static_cast<char>(random.below(6) == 0 ? ' ' : 'a' + random.below(4));
    texts.push_back(text);
    groups.push_back(i % 40);
  }
  const TfIdf rows(texts);
  const Comparison comparison = compare_texts(rows, groups);
  comparison.neighbours(
      {0, 200}, [](int64_t) { return 7; },
      [&](int64_t query, std::span<const Neighbour> found) {
        std::vector<Neighbour> all;
        for (int64_t i = 0; i < 200; ++i)
          if (i != query) all.push_back({rows.score(query, i), i, i % 40 == query % 40});
        std::sort(all.begin(), all.end(), ranks_before);
        ASSERT_EQ(found.size(), 7u);
        for (size_t k = 0; k < 7; ++k) EXPECT_EQ(found[k].index, all[k].index);
      });
}

TEST(TfIdf, IsEvaluatedLikeAModel) {
  const std::vector<int64_t> groups = {0, 0, 1, 2, 3, 4, 1};
  const TfIdf rows(kTexts);
  const EvaluationResult found = evaluate_rows(compare_texts(rows, groups), groups, groups);
  EXPECT_EQ(found.metrics.find("recall_at_1"), 1);
  EXPECT_EQ(found.metrics.find("queries"), 4);
  EXPECT_EQ(found.metrics.find("roc_auc"), 1);
  EXPECT_THROW(compare_texts(rows, std::vector<int64_t>{1}), Error);
}

}  // namespace
}  // namespace lodestone
