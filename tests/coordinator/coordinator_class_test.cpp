// The coordinator by itself: no command line, no configuration file, a trainer of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "engine/training_worlds.h"
#include "sampler/examples.h"
#include "sampler/samplers/shuffle_sampler.h"
#include "trainer/coordinator/checkpoints/checkpoint_files.h"
#include "trainer/coordinator/coordinator.h"

namespace lodestone::testing {
using namespace coordinator;
using namespace distributed;
using namespace encoders;
using namespace engine;
using namespace eval;
using namespace sampler;
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class Numbers : public Dataset {
 public:
  int64_t size() const override { return 2 * kRows; }
  int64_t label(int64_t i) const override { return i % kClasses; }
  uint64_t id(int64_t i) const override { return sample_id(key(i)); }
  std::string key(int64_t i) const override { return std::to_string(i); }
  int64_t classes() const override { return kClasses; }
  std::string class_name(int64_t c) const override { return "class " + std::to_string(c); }
  int64_t group(int64_t c) const override { return c; }
};

/// Samples that nothing reads: the test makes its own batches.
class NumberExamples : public Examples {
 public:
  explicit NumberExamples(std::shared_ptr<const Dataset> numbers) : numbers_(std::move(numbers)) {}
  std::shared_ptr<const Dataset> dataset() const override { return numbers_; }
  std::unique_ptr<FeatureBuilder> builder(int64_t) const override { return nullptr; }
  ShownSample shown(int64_t index) const override { return {.image = {}, .text = numbers_->key(index)}; }

 private:
  std::shared_ptr<const Dataset> numbers_;
};

/// One process's run in a folder.
struct SmallRun {
  explicit SmallRun(const fs::path& folder, const char* loss = "supcon") : made(Case{loss, "", "all"}) {
    encoder->build({1, 16, 16}, 5);
    training.schedule.steps = 8;
    checkpoint.every_steps = 2;
    coordinator.emplace(CoordinatorConfig{checkpoint, metrics, report}, context, folder);
    trainer.emplace(single_group(), at::kCPU, *encoder, made.objective(), training, LossHeadSetup{});
  }

  std::optional<Cursor> begin(const Resume& resume = {}) {
    RunFacts facts{data, sampler, "shuffle", true, 9, "", "", "seed: 9\n"};
    const auto cursor = coordinator->resume(resume, facts, {}, *trainer);
    coordinator->start({.config = facts.config,
                        .examples = std::make_shared<NumberExamples>(data),
                        .objective = made.objective(),
                        .steps_planned = training.schedule.steps,
                        .facts = {{"Loss", made.c.loss}}},
                       *trainer);
    return cursor;
  }

  Coordinator::Agreed step() {
    const int64_t number = trainer->steps_done();
    Batch batch = batch_of(number, {0, 1});
    batch.features = batch.features.to(at::kFloat);
    const StepMetrics done = trainer->step(batch, 0);
    coordinator->report(done, batch, trainer->embeddings());
    const auto agreed = coordinator->agree(/*stop=*/false, /*bad_records=*/false, done.step);
    if (agreed.save) coordinator->save(*trainer, {0, done.step % 2});
    return agreed;
  }

  MadeCase made;
  RunContext context{LaunchOptions{}};
  SaveConfig checkpoint;
  MetricsConfig metrics;
  ReportConfig report;
  TrainerConfig training;
  std::shared_ptr<const Dataset> data = std::make_shared<Numbers>();
  std::shared_ptr<const IndexSampler> sampler = std::make_shared<ShuffleSampler>(data, 1, kRows, 9);
  Slot<Encoder> encoder{encoder_table(), "conv4"};
  std::optional<Coordinator> coordinator;
  std::optional<Trainer> trainer;
};

std::string metrics_of(const fs::path& folder) {
  return read_file(folder / "metrics.jsonl");
}

TEST(Coordinator, SavesWhenItIsDueAndResumesFromThere) {
  const TempFolder temp;
  const fs::path folder = temp.path() / "run";
  at::Tensor weight;
  {
    SmallRun run(folder);
    EXPECT_FALSE(run.coordinator->resumes({}));
    EXPECT_FALSE(run.begin().has_value());
    for (int64_t step = 1; step <= 5; ++step) EXPECT_EQ(run.step().save, step % 2 == 0) << step;
    EXPECT_FALSE(run.coordinator->wait_for_save(5)) << "the last save is of step 4";
    EXPECT_TRUE(run.coordinator->wait_for_save(4));
    weight = run.encoder->parameters().learned()[0].tensor.detach().clone();
  }
  EXPECT_EQ(list_checkpoints(folder / "checkpoints").size(), 2U);
  SmallRun again(folder);
  EXPECT_TRUE(again.coordinator->resumes({}));
  const auto cursor = again.begin();
  ASSERT_TRUE(cursor.has_value());
  EXPECT_EQ(again.trainer->steps_done(), 4);
  EXPECT_EQ(again.coordinator->resumed_at(), 4);
  again.step();
  EXPECT_TRUE(again.encoder->parameters().learned()[0].tensor.equal(weight))
      << "step 5 once more, bit for bit";
  EXPECT_THAT(metrics_of(folder), HasSubstr("\"restart\""));
}

TEST(Coordinator, GivesTheFolderToOneRunAtATime) {
  const TempFolder temp;
  std::optional<SmallRun> run(std::in_place, temp.path() / "run");
  EXPECT_THROW(SmallRun(temp.path() / "run"), IoError);
  run.reset();
  EXPECT_NO_THROW(SmallRun(temp.path() / "run"));
}

TEST(Coordinator, RefusesSavesBeforeItKnowsTheData) {
  const TempFolder temp;
  SmallRun run(temp.path() / "run");
  EXPECT_THROW(run.coordinator->save(*run.trainer, {}), Error);
}

TEST(Coordinator, ReportsAnEvaluationThatItIsHanded) {
  const TempFolder temp;
  const fs::path folder = temp.path() / "run";
  SmallRun run(folder);
  run.begin();
  run.step();
  bool durable = false;
  const Evaluation found = run.coordinator->evaluate(*run.trainer, {0, 1}, [&] {
    durable = run.coordinator->save_held();  // what a stop in the middle of an evaluation does
    Evaluation evaluation;
    evaluation.model.metrics.set("recall_at_1", 0.25);
    return evaluation;
  });
  EXPECT_TRUE(durable);
  EXPECT_EQ(found.model.metrics.find("recall_at_1"), 0.25);
  EXPECT_THAT(metrics_of(folder), HasSubstr("\"recall_at_1\":0.25"));
  EXPECT_EQ(list_checkpoints(folder / "checkpoints").size(), 1U);
}

TEST(Coordinator, RollsBackToTheNewestCheckpoint) {
  const TempFolder temp;
  SmallRun run(temp.path() / "run");
  run.begin();
  EXPECT_FALSE(run.coordinator->roll_back(1, *run.trainer).has_value());
  for (int step = 0; step < 3; ++step) run.step();
  ASSERT_TRUE(run.coordinator->roll_back(3, *run.trainer).has_value());
  EXPECT_EQ(run.trainer->steps_done(), 2);
  EXPECT_EQ(run.trainer->counters().samples, 3 * kRows) << "what led to the rollback counts";
}

TEST(Coordinator, StartsANewRunBesideWhatWasThere) {
  const TempFolder temp;
  const fs::path folder = temp.path() / "run";
  {
    SmallRun run(folder);
    run.begin();
    for (int step = 0; step < 2; ++step) run.step();
    EXPECT_TRUE(run.coordinator->wait_for_save(2));
  }
  SmallRun fresh(folder);
  EXPECT_FALSE(fresh.begin({Resume::From::kNothing}).has_value());
  EXPECT_EQ(fresh.trainer->steps_done(), 0);
  EXPECT_EQ(list_checkpoints(temp.path() / "run.1" / "checkpoints").size(), 1U);
}

}  // namespace
}  // namespace lodestone::testing
