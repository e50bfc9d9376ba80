// A run resumes with other settings or data: what differs is logged, and its place is the same rows or the
// next epoch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/resumed.h"
#include "support/run_lines.h"

namespace lodestone::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

constexpr const char *kUntil = "schedule.steps=8", *kOneMore = "schedule.steps=9";

void copy_folder(const fs::path& from, const fs::path& to) {
  fs::copy(from, to, fs::copy_options::recursive);
}

TEST(ResumePlace, WhatDiffersIsReportedByKeyOnce) {
  const Workspace work;
  ASSERT_EQ(train(work, {kUntil}).code, 0);
  const Finished same = train(work, {kUntil});
  EXPECT_THAT(same.err, Not(HasSubstr("other settings")));
  copy_folder(work.path("pictures"), work.path("more"));
  copy_folder(work.path("pictures/class0"), work.path("more/class8"));
  const Finished other =
      train(work, {kOneMore, "data.train.path=more", "global_batch=24", "seed=5", "threads=1",
                   "optimizer.learning_rate=0.5", "checkpoint.every_steps=3"});
  ASSERT_EQ(other.code, 0) << other.err;
  EXPECT_THAT(other.err,
              AllOf(HasSubstr("seed: 0 -> 5"), HasSubstr("global_batch: 16 -> 24"),
                    HasSubstr("data.train.path: pictures -> more"), HasSubstr("schedule.steps: 8 -> 9"),
                    HasSubstr("optimizer.learning_rate: 0.001 -> 0.5"),
                    HasSubstr("samples to train on: 48 -> 54"), HasSubstr("classes to train on: 8 -> 9")));
  EXPECT_THAT(other.err, AllOf(Not(HasSubstr("every_steps:")), Not(HasSubstr("threads:"))));
  EXPECT_EQ(other.err.find("other settings"), other.err.rfind("other settings"));
  // As many samples, one of which is another.
  fs::rename(work.path("more/class8/0.png"), work.path("more/class8/9.png"));
  EXPECT_THAT(train(work, {"schedule.steps=10", "data.train.path=more", "global_batch=24", "seed=5"}).err,
              HasSubstr("as many as before, but not the same"));
}

nlohmann::json place_in(const Workspace& work) {
  return load_checkpoint(work.run()).snapshot.state["sampler"];
}

// Rows since the beginning, where an epoch has so many batches of 8.
int64_t rows_of(const nlohmann::json& place, int64_t batches) {
  return place["epoch"].get<int64_t>() * batches * 8 + place["rows"].get<int64_t>();
}

TEST(ResumePlace, AnotherGlobalBatchContinuesAtTheSamePlaceOrAtTheNextEpoch) {
  for (const std::string name : {"pk", "shuffle", "two_views", "no_duplicates", "hard_class"})
    for (const int64_t steps : {1, 2, 3, 4, 7}) {
      const Workspace work;
      Words settings = {"sampler.name=" + name, "loss.name=supcon", "miner.name=all"};
      if (name != "pk" && name != "hard_class") settings.push_back("sampler.samples_per_class=");
      if (name == "hard_class") settings = with(settings, {"sampler.hard_class.refresh=8"});
      const std::string until = "schedule.steps=" + std::to_string(steps),
                        more = "schedule.steps=" + std::to_string(steps + 1);
      ASSERT_EQ(train(work, with(settings, {until, "global_batch=8"})).code, 0);
      const Finished done = train(work, with(settings, {more, "global_batch=16"}));
      ASSERT_EQ(done.code, 0) << name << steps << done.err;
      const int64_t an_epoch = name == "two_views" ? 12 : 6, epoch = steps / an_epoch,
                    position = steps % an_epoch;
      const auto place = place_in(work);
      if (position % 2 == 0) {
        EXPECT_THAT(done.err,
                    HasSubstr(position == 0 ? "at the beginning of epoch" : "at the same place, row "));
        EXPECT_EQ(rows_of(place, an_epoch), steps * 8 + 16) << name << steps;
      } else {
        EXPECT_THAT(done.err, HasSubstr("at the beginning of epoch " + std::to_string(epoch + 1) +
                                        "; the rest of epoch " + std::to_string(epoch)));
        EXPECT_EQ(place["epoch"], epoch + 1) << name << steps;
        EXPECT_EQ(place["rows"], 16) << name << steps;
      }
      EXPECT_EQ(lines_of(work.run(), "train").back()["samples"], steps * 8 + 16);
      if (name != "pk" && steps == 2) break;
    }
}

TEST(ResumePlace, AnotherGlobalBatchOnTwoRanksAndFromAnEarlierVersion) {
  const Workspace work;
  ASSERT_EQ(train(work, {"schedule.steps=2", "global_batch=8"}, 2).code, 0);
  forget_names(work);
  const Finished done = train(work, {"schedule.steps=3", "global_batch=16"}, 2);
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("at the same place, row 16 of epoch 0"));
  EXPECT_EQ(place_in(work)["rows"], 32);
}

}  // namespace
}  // namespace lodestone::testing
