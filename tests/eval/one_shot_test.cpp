#include "trainer/eval/one_shot.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/files.h"
#include "eval/rows_for_tests.h"

namespace lodestone {
using namespace eval;
namespace {

namespace fs = std::filesystem;

double accuracy(const at::Tensor& x_ND, std::span<const OneShotTrial> trials, Similarity similarity) {
  const ComparableRows rows(x_ND, similarity);
  return share_right(one_shot_answers(compare_rows(rows, {}), trials));
}

TEST(OneShot, CountsTheNearestAndNoTies) {
  const at::Tensor x_ND = rows_of({{0}, {1}, {-1}, {3}});
  const std::vector<OneShotTrial> trials = {
      {0, {1, 3}, 0},  // right
      {0, {1, 3}, 1},  // wrong
      {0, {1, 2}, 0},  // a tie is wrong
  };
  EXPECT_DOUBLE_EQ(accuracy(x_ND, trials, Similarity::kL2), 1.0 / 3);
  EXPECT_TRUE(std::isnan(accuracy(x_ND, {}, Similarity::kL2)));
  EXPECT_THROW(accuracy(x_ND, std::vector<OneShotTrial>{{0, {1, 4}, 0}}, Similarity::kCosine), Error);
  EXPECT_THROW(accuracy(x_ND, std::vector<OneShotTrial>{{0, {1, 2}, 2}}, Similarity::kCosine), Error);
}

TEST(OneShot, CollapsedEmbeddingsAnswerNothing) {
  const std::vector<int64_t> groups = coarse_rows(1, 100, 1, 25).groups_N;
  EXPECT_EQ(accuracy(at::ones({100, 4}), draw_one_shot_trials(groups, {}, {5, 50, 0}), Similarity::kCosine),
            0);
}

TEST(OneShot, DrawnTrialsAskWhatTheyShould) {
  const std::vector<int64_t> groups = coarse_rows(2, 200, 1, 40).groups_N;
  std::vector<int64_t> superclasses;
  for (int64_t group : groups) superclasses.push_back(group % 3);
  const auto trials = draw_one_shot_trials(groups, superclasses, {10, 300, 7});
  ASSERT_EQ(trials.size(), 300U);
  std::set<int64_t> positions;
  for (const OneShotTrial& trial : trials) {
    const auto group = [&](int64_t row) { return groups[static_cast<size_t>(row)]; };
    std::set<int64_t> seen;
    for (int64_t candidate : trial.candidates) {
      seen.insert(group(candidate));
      EXPECT_EQ(group(candidate) % 3, group(trial.query) % 3);
      EXPECT_NE(candidate, trial.query);
    }
    EXPECT_EQ(seen.size(), 10U);
    EXPECT_EQ(group(trial.candidates[static_cast<size_t>(trial.right)]), group(trial.query));
    positions.insert(trial.right);
  }
  EXPECT_EQ(positions.size(), 10U);
  // A trial is a function of the seed and its number.
  const auto fewer = draw_one_shot_trials(groups, superclasses, {10, 20, 7});
  for (size_t t = 0; t < fewer.size(); ++t) EXPECT_EQ(fewer[t].candidates, trials[t].candidates);
  EXPECT_NE(draw_one_shot_trials(groups, superclasses, {10, 20, 8})[0].candidates, trials[0].candidates);
}

TEST(OneShot, SaysWhenThereAreTooFewClasses) {
  EXPECT_THROW(draw_one_shot_trials(std::vector<int64_t>{0, 0, 1}, {}, {3, 1, 0}), ConfigError);
  EXPECT_THROW(draw_one_shot_trials(std::vector<int64_t>{0, 1, 2}, {}, {2, 1, 0}), ConfigError);
  EXPECT_THROW(draw_one_shot_trials(std::vector<int64_t>{0, 0, 1}, std::vector<int64_t>{0}, {2, 1, 0}),
               ConfigError);
  EXPECT_EQ(draw_one_shot_trials(std::vector<int64_t>{0, 0, 1}, {}, {2, 1, 0}).size(), 1U);
}

// A folder of two runs of three classes each, whose labels a test may spoil.
class Runs : public testing::Test {
 protected:
  Runs() {
    for (const char* run : {"run01", "run02"}) {
      fs::create_directories(folder() / run / "test");
      fs::create_directories(folder() / run / "training");
      for (const char* file : {"test/item01.png", "test/item02.png", "training/class01.png",
                               "training/class02.png", "training/class03.png"})
        std::ofstream(folder() / run / file) << "png";
      label(run, std::string(run) + "/test/item01.png " + run + "/training/class03.png\n" + run +
                     "/test/item02.png " + run + "/training/class01.png\n");
    }
  }
  const fs::path& folder() const { return temp_.path(); }
  void label(const std::string& run, const std::string& text) const {
    std::ofstream(folder() / run / "class_labels.txt", std::ios::trunc) << text;
  }
  void expect_error(const std::string& what) const {
    try {
      read_one_shot_runs(folder());
      ADD_FAILURE() << "expected DataError with '" << what << "'";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(what));
    }
  }

 private:
  TempFolder temp_;
};

TEST_F(Runs, AreReadInOrder) {
  const auto trials = read_one_shot_runs(folder());
  ASSERT_EQ(trials.size(), 4U);
  EXPECT_EQ(trials[0].query, folder() / "run01/test/item01.png");
  EXPECT_EQ(trials[0].candidates.size(), 3U);
  EXPECT_EQ(trials[0].right, 2);
  EXPECT_EQ(trials[1].right, 0);
  EXPECT_EQ(trials[3].candidates[0], folder() / "run02/training/class01.png");
}

TEST_F(Runs, NameTheLineThatIsWrong) {
  const std::string good = "run01/test/item01.png run01/training/class03.png\n";
  label("run01", good + "run01/test/item02.png\n");
  expect_error("class_labels.txt:2: expected");
  label("run01", good + "a b c\n");
  expect_error("class_labels.txt:2: expected");
  label("run01", good + good);
  expect_error("asked twice");
  label("run01", "run01/test/item09.png run01/training/class03.png\n");
  expect_error("class_labels.txt:1: there is no image");
  label("run01", "run01/test/item01.png run02/training/class03.png\n");
  expect_error("not in the run's training folder");
  label("run01", "../x.png run01/training/class03.png\n");
  expect_error("leaves the folder");
  label("run01", "/etc/passwd run01/training/class03.png\n");
  expect_error("leaves the folder");
  label("run01", "\n");
  expect_error("holds no trial");
}

TEST_F(Runs, LinesThatSayNoTrialAreHandedOver) {
  label("run01",
        "run01/test/item01.png run01/training/class03.png\nbroken\n~/a.png run01/training/class03.png\n"
        "s3://a/b.png run01/training/class03.png\nrun01/test/item02.png nowhere.png\n");
  std::vector<std::string> bad;
  EXPECT_EQ(
      read_one_shot_runs(folder(), [&](const DataError& error) { bad.emplace_back(error.what()); }).size(),
      3U);
  ASSERT_EQ(bad.size(), 4U);
  for (size_t n = 0; n < bad.size(); ++n)
    EXPECT_THAT(bad[n], testing::HasSubstr("class_labels.txt:" + std::to_string(n + 2)));
  EXPECT_THAT(bad[1], testing::HasSubstr("copy the images there"));
}

TEST_F(Runs, NameWhatIsMissing) {
  fs::remove(folder() / "run01/class_labels.txt");
  expect_error("class_labels.txt");
  fs::remove_all(folder() / "run01/training");
  expect_error("cannot list");
  fs::remove_all(folder() / "run01");
  fs::remove_all(folder() / "run02");
  expect_error("expected folders run01");
  EXPECT_THROW(read_one_shot_runs(folder() / "nowhere"), DataError);
}

}  // namespace
}  // namespace lodestone
