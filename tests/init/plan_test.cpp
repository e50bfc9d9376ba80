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

survey::ClassSurvey classes_of(int64_t classes, int64_t per_class) {
  survey::ClassSurvey found;
  found.classes = found.groups = classes;
  found.samples = classes * per_class;
  found.count_c.assign(static_cast<size_t>(classes), per_class);
  found.per_class =
      survey::spread_of(std::vector<double>(static_cast<size_t>(classes), static_cast<double>(per_class)));
  return found;
}

TEST(Batch, HasFourSamplesOfManyClassesAndMoreOfFew) {
  EXPECT_EQ(shape_of_batch(classes_of(1000, 20), 256).rows(), 256);
  EXPECT_EQ(shape_of_batch(classes_of(1000, 20), 256).samples, 4);
  const BatchShape people = shape_of_batch(classes_of(24, 10), 256);
  EXPECT_EQ(people.classes, 24);
  EXPECT_EQ(people.samples, 10);
  EXPECT_EQ(shape_of_batch(classes_of(3, 1000), 256).samples, 32);
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

TEST(HeldOut, SamplesOfFewClassesRowsAndAPartOfManyThere) {
  Measured few;
  few.train = classes_of(3, 100);
  few.class_numbers = {0.1, 0.5, 0.9};
  Finding finding;
  finding.train.path = "digits";
  hold_out(finding, few);
  EXPECT_EQ(finding.train.part.of, sampler::PartOf::kSamples);
  Measured rows;
  rows.rows = 40000;
  Finding pairs;
  pairs.content = Content::kTexts;
  pairs.train.path = "pairs.tsv";
  EXPECT_EQ(hold_out(pairs, rows).rows_evaluate, 2000);
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

TEST(Budget, FillsTheTimeUnlessTheDataAreSmall) {
  Plan plan;
  plan.batch = 256;
  plan.samples = 1000000;
  const Probe probe{.steps = 10, .step_seconds = 0.1, .threads = 2, .device = "cpu"};
  EXPECT_EQ(budget_steps(plan, probe, Content::kImages, 5).steps, 2700);
  plan.samples_evaluate = 20000;
  const int64_t with_evaluation = budget_steps(plan, probe, Content::kImages, 5).steps;
  EXPECT_LT(with_evaluation, 2700);
  EXPECT_GT(with_evaluation, 2500);
  plan.samples = 300;
  const StepBudget enough = budget_steps(plan, probe, Content::kImages, 5);
  EXPECT_EQ(enough.steps, 1500);
  EXPECT_THAT(enough.reason, ::testing::HasSubstr("enough for these data"));
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
