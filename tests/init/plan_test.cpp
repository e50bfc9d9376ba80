#include "trainer/init/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trainer/init/batch.h"
#include "trainer/init/held_out.h"
#include "trainer/init/place.h"
#include "trainer/init/plan_images.h"
#include "trainer/init/probe.h"

namespace lodestone::init {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

survey::ClassSurvey classes_of(int64_t classes, int64_t per_class) {
  survey::ClassSurvey found;
  found.classes = found.groups = classes;
  found.samples = classes * per_class;
  found.count_c.assign(static_cast<size_t>(classes), per_class);
  found.per_class =
      survey::spread_of(std::vector<double>(static_cast<size_t>(classes), static_cast<double>(per_class)));
  return found;
}

TEST(Batch, HasFourSamplesOfAtMostHalfOfTheClasses) {
  EXPECT_EQ(shape_of_batch(classes_of(1000, 20), 256).rows(), 256);
  EXPECT_EQ(shape_of_batch(classes_of(1000, 20), 256).samples, 4);
  const BatchShape people = shape_of_batch(classes_of(24, 10), 256);
  EXPECT_EQ(people.classes, 12);
  EXPECT_EQ(people.samples, 4);
  // Of few classes more samples, but no more than they have.
  const BatchShape digits = shape_of_batch(classes_of(10, 1000), 256);
  EXPECT_EQ(digits.classes, 5);
  EXPECT_EQ(digits.samples, 10);
  EXPECT_EQ(shape_of_batch(classes_of(4, 6), 256).samples, 6);
  EXPECT_EQ(shape_of_batch(classes_of(4, 6), 256).classes, 2);
  const BatchShape twos = shape_of_batch(classes_of(1000, 2), 256);
  EXPECT_EQ(twos.samples, 2);
  EXPECT_FALSE(twos.repeats);
  EXPECT_TRUE(shape_of_batch(classes_of(1000, 1), 256).repeats);
}

TEST(Batch, OfRowsLeavesFourToAnEpoch) {
  EXPECT_EQ(rows_of_batch(100000, 2, 512), 512);
  EXPECT_EQ(rows_of_batch(100, 2, 512), 50);
  EXPECT_EQ(rows_of_batch(1000000, 3, 256) % 3, 0);
  EXPECT_EQ(rows_of_batch(1, 2, 512), 4);
}

TEST(HeldOut, AFifthOfTheClassesByTheirNumbers) {
  Measured measured;
  measured.train = classes_of(30, 10);
  for (int c = 0; c < 30; ++c)
    measured.class_numbers.push_back(sampler::part_number("person" + std::to_string(c)));
  Finding finding;
  finding.train.path = "people";
  const HeldOut held = hold_out(finding, measured);
  EXPECT_EQ(held.train.classes, 24);
  EXPECT_EQ(held.samples_evaluate, 60);
  EXPECT_EQ(finding.evaluate.path, "people");
  EXPECT_EQ(finding.train.part.to, finding.evaluate.part.from);
  int64_t evaluated = 0;
  for (const double number : measured.class_numbers) evaluated += finding.evaluate.part.has(number) ? 1 : 0;
  EXPECT_EQ(evaluated, 6);
}

// Samples of classes in turns, each with a number of its own.
Measured samples_of(int64_t classes, int64_t per_class) {
  Measured measured;
  measured.train = classes_of(classes, per_class);
  for (int64_t c = 0; c < classes; ++c)
    measured.class_numbers.push_back(static_cast<double>(c) / static_cast<double>(classes));
  for (int64_t i = 0; i < classes * per_class; ++i) {
    measured.sample_numbers.push_back(sampler::part_number("sample" + std::to_string(i)));
    measured.sample_classes.push_back(i % classes);
  }
  return measured;
}

TEST(HeldOut, SamplesOfFewClassesWithSomeOfEachOnBothSides) {
  for (const auto& [classes, per_class] : {std::pair<int64_t, int64_t>{4, 8}, {3, 100}, {9, 20}}) {
    const Measured measured = samples_of(classes, per_class);
    Finding finding;
    finding.train.path = "digits";
    const HeldOut held = hold_out(finding, measured);
    EXPECT_EQ(finding.train.part.of, sampler::PartOf::kSamples);
    std::vector<int64_t> evaluated(static_cast<size_t>(classes)), trained(static_cast<size_t>(classes));
    for (size_t i = 0; i < measured.sample_numbers.size(); ++i) {
      auto& side = finding.evaluate.part.has(measured.sample_numbers[i]) ? evaluated : trained;
      ++side[static_cast<size_t>(measured.sample_classes[i])];
    }
    for (size_t c = 0; c < evaluated.size(); ++c) {
      EXPECT_GE(evaluated[c], 2) << classes;
      EXPECT_GE(trained[c], 2) << classes;
      EXPECT_EQ(held.train.count_c[c], trained[c]);
    }
    EXPECT_LE(held.samples_evaluate, classes * per_class / 2);
    EXPECT_THAT(held.sentence, HasSubstr("two or more of each class"));
  }
  const Measured many = samples_of(3, 100);
  Finding finding;
  EXPECT_NEAR(static_cast<double>(hold_out(finding, many).samples_evaluate), 60, 2);
}

Finding pairs_of_texts() {
  Finding pairs;
  pairs.content = Content::kTexts;
  pairs.text.format = sampler::TextFormat::kPairs;
  pairs.train.path = "pairs.tsv";
  return pairs;
}

TEST(HeldOut, RowsThatShareNoTextWithTraining) {
  Measured rows;
  rows.rows = 40000;
  for (int i = 0; i < 20000; ++i) rows.components.push_back({i / 20000.0, 2});
  Finding pairs = pairs_of_texts();
  EXPECT_EQ(hold_out(pairs, rows).rows_evaluate, 2000);
  EXPECT_EQ(pairs.evaluate.part.of, sampler::PartOf::kClasses);
  EXPECT_EQ(pairs.evaluate.part.from, pairs.train.part.to);
  // A large component does not matter as long as others are there.
  rows.rows = 1000;
  rows.components = {{0.001, 900}};
  for (int i = 0; i < 100; ++i) rows.components.push_back({0.5 + i / 300.0, 1});
  Finding connected = pairs_of_texts();
  EXPECT_EQ(hold_out(connected, rows).rows_evaluate, 100);
  EXPECT_EQ(connected.evaluate.part.of, sampler::PartOf::kClasses);
}

TEST(HeldOut, RowsOfFirstTextsIfAllRowsAreConnected) {
  Measured rows;
  rows.rows = 1000;
  rows.components = {{0.001, 999}, {0.7, 1}};
  Finding pairs = pairs_of_texts();
  const HeldOut held = hold_out(pairs, rows);
  EXPECT_EQ(held.rows_evaluate, 200);
  EXPECT_EQ(pairs.evaluate.part.of, sampler::PartOf::kSamples);
  EXPECT_THAT(held.sentence, HasSubstr("texts of the evaluation are in training too"));
}

TEST(HeldOut, APartOfManyThere) {
  Measured many;
  many.train = classes_of(100, 10);
  many.evaluate = classes_of(1000, 100);
  Finding split;
  split.train.path = "train";
  split.evaluate.path = "val";
  EXPECT_EQ(hold_out(split, many).train.classes, 100);
  EXPECT_NEAR(split.evaluate.part.to, 0.2, 1e-9);
}

TEST(InputSize, DividesDrawingsAndKeepsTheShapeOfPhotographs) {
  const auto size_of = [](double width, double height, bool drawing, double wider = 1) {
    survey::ImageSurvey images;
    images.width = survey::spread_of({width});
    images.height = survey::spread_of({height});
    images.aspect = survey::spread_of({width / height, wider * width / height});
    images.plain = drawing ? 0.9 : 0.1;
    const InputSize size = input_size(images);
    return std::vector<int64_t>{size.width, size.height, size.crops ? 1 : 0};
  };
  EXPECT_THAT(size_of(28, 28, true), ElementsAre(28, 28, 0));
  EXPECT_THAT(size_of(105, 105, true), ElementsAre(35, 35, 0));
  EXPECT_THAT(size_of(40, 40, true), ElementsAre(32, 32, 0));
  EXPECT_THAT(size_of(92, 112, false), ElementsAre(60, 72, 0));
  EXPECT_THAT(size_of(4000, 3000, false, 1.6), ElementsAre(64, 64, 1));
  EXPECT_THAT(size_of(48, 32, false), ElementsAre(48, 32, 0));
}

TEST(Plan, WritesNestedKeysWithTheirReasons) {
  Plan plan;
  plan.set("seed", int64_t{1});
  plan.set("data.train.path", yaml_text("a: b"), "why");
  plan.set("data.image.width", int64_t{28}, std::string(120, 'x'));
  plan.set("loss", "{name: supcon}");
  plan.set("seed", int64_t{2});
  plan.set("data.train.split", "late");
  EXPECT_EQ(
      plan.yaml({"head"}),
      "# head\nseed: 2\n\ndata:\n  train:\n    path: \"a: b\"  # why\n    split: late\n  image:\n    # " +
          std::string(120, 'x') + "\n    width: 28\n\nloss: {name: supcon}\n");
  EXPECT_EQ(yaml_text("photos/cats-1.jpg"), "photos/cats-1.jpg");
  EXPECT_EQ(yaml_text("true"), "\"true\"");
  EXPECT_EQ(yaml_text("1e3"), "\"1e3\"");
  EXPECT_EQ(yaml_text("a\nb"), "\"a\\nb\"");
}

// Steps and evaluations of a budget, in seconds.
double spent(const RunBudget& budget, const Probe& probe) {
  return static_cast<double>(budget.steps) * probe.step_seconds +
         static_cast<double>(budget.evaluations) * probe.evaluation.seconds(budget.evaluated);
}

TEST(Budget, FillsTheTimeUnlessTheDataAreSmall) {
  Plan plan;
  plan.batch = 256;
  plan.samples = 1000000;
  Probe probe{.steps = 10, .step_seconds = 0.1, .threads = 2, .device = "cpu"};
  EXPECT_EQ(budget_run(plan, probe, Content::kImages, 5).steps, 2700);
  EXPECT_EQ(budget_run(plan, probe, Content::kImages, 5).evaluations, 0);
  probe.evaluation = {.samples = 20000, .per_sample = 1e-4, .per_square = 1e-8};
  const RunBudget evaluated = budget_run(plan, probe, Content::kImages, 5);
  EXPECT_EQ(evaluated.evaluations, kEvaluations);
  EXPECT_EQ(evaluated.evaluated, 1);
  EXPECT_NEAR(static_cast<double>(evaluated.steps), 2700 - 240, 1);
  plan.samples = 300;
  const RunBudget enough = budget_run(plan, probe, Content::kImages, 5);
  EXPECT_EQ(enough.steps, 1500);
  EXPECT_THAT(enough.reason, HasSubstr("enough for these data"));
}

TEST(Budget, IsKeptHoweverLongAnEvaluationTakes) {
  Plan plan;
  plan.batch = 256;
  plan.samples = 1000000;
  Probe probe{.steps = 10, .step_seconds = 0.1, .threads = 2, .device = "cpu"};
  for (const double per_sample : {1e-4, 1e-3, 5e-3, 2e-2, 1e-1}) {
    probe.evaluation = {.samples = 20000, .per_sample = per_sample, .per_square = 0};
    const RunBudget budget = budget_run(plan, probe, Content::kImages, 5);
    EXPECT_LE(spent(budget, probe), 300) << per_sample;
    EXPECT_GE(budget.evaluations, 1);
    EXPECT_EQ(budget.evaluated<1, per_sample> 1e-2) << per_sample;
  }
  // Four classes are left, or there would be nothing to tell apart.
  plan.classes_evaluate = 5;
  EXPECT_DOUBLE_EQ(budget_run(plan, probe, Content::kImages, 0.5).evaluated, 0.8);
}

TEST(Budget, SaysThatTheTimeIsTooShort) {
  Plan plan;
  plan.batch = 256;
  plan.samples = 1000000;
  const Probe slow{.steps = 2, .step_seconds = 30, .threads = 2, .device = "cpu"};
  const RunBudget budget = budget_run(plan, slow, Content::kImages, 5);
  EXPECT_EQ(budget.steps, 50);
  EXPECT_THAT(budget.reason, HasSubstr("5 min are too short for them, the run takes about 25 min"));
}

TEST(Place, NamesSayTheUse) {
  EXPECT_EQ(use_of("train-00001.tar"), Use::kTrain);
  EXPECT_EQ(use_of("images_background"), Use::kTrain);
  EXPECT_EQ(use_of("Unseen"), Use::kEvaluate);
  EXPECT_EQ(use_of("trainers"), std::nullopt);
  const auto groups =
      groups_by_use({"test-pairs.tsv", "test.tsv", "train-pairs.tsv", "train.tsv", "valid.tsv"});
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_THAT(groups[0].train, ElementsAre("train.tsv"));
  EXPECT_THAT(groups[0].evaluate, ElementsAre("valid.tsv"));
  EXPECT_THAT(groups[0].kept, ElementsAre("test.tsv"));
}

}  // namespace
}  // namespace lodestone::init
