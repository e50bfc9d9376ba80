// Examples of common/, distributed/ and sampler/.
#include <iostream>
#include <thread>

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config_faults.h"
#include "common/key_index.h"
#include "common/tensor_groups.h"
#include "common/yaml.h"
#include "distributed/group.h"
#include "examples/work_folder.h"
#include "sampler/image_examples.h"
#include "sampler/left_out.h"
#include "sampler/loader.h"
#include "sampler/samplers/pk_sampler.h"
#include "sampler/sources/data_part.h"
#include "sampler/sources/image_source.h"

namespace lodestone::testing {
using namespace distributed;
using namespace sampler;
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Example, Fields) {
  // Example of common/fields.h
  enum class Distance { kCosine, kL2 };

  struct MarginConfig {
    double margin = 0.2;
    Distance distance = Distance::kCosine;

    void visit(Fields& f) {
      f.field({.name = "margin", .doc = "smallest distance of a negative", .min = 0.0}, &margin);
      f.choice({.name = "distance", .doc = "between rows"}, &distance,
               {{"cosine", Distance::kCosine}, {"l2", Distance::kL2}});
    }
  };
  MarginConfig config;
  const auto visit = [&](Fields& f) { config.visit(f); };
  read_fields(parse_yaml("margin: 0.5", "run.yaml"), visit);  // config.margin == 0.5
  write_yaml(visit);                                          // margin: 0.5, distance: "cosine"
  // End
  EXPECT_EQ(config.margin, 0.5);
  EXPECT_EQ(write_yaml(visit), "margin: 0.5\ndistance: \"cosine\"\n");
  // Example of common/key_index.h
  KeyIndex index;
  config.visit(index);  // the rows of config's slots lose their settings
  // End
  EXPECT_TRUE(index.has("distance"));
}

TEST(Example, ConfigFaults) {
  struct Range {
    int64_t low = 0, high = 0;
    void visit(Fields& f) {
      f.field({.name = "low", .max = 9}, &low);
      f.field({.name = "high", .max = 9}, &high);
    }
  } config;
  const auto visit = [&](Fields& f) { config.visit(f); };
  const auto check = [](const Range& range) {
    if (range.low > range.high) throw ConfigError("expected `low` below `high`, got them the other way");
  };
  const auto faults_of = [&](const std::string& yaml) -> std::string {
    const ConfigNodePtr root = parse_yaml(yaml, "run.yaml");
    try {
      // Example of common/config_faults.h
      ConfigFaults faults;
      read_fields(root, visit, faults);
      faults.collect([&] { check(config); });
      faults.throw_any(visit, {});
      // End
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(faults_of("{low: 1, high: 2}"), "none");
  EXPECT_THAT(faults_of("{low: 3, high: 2}"), HasSubstr("the other way"));
  EXPECT_THAT(faults_of("{low: 10, hihg: 2}"), HasSubstr("hihg"));
}

TEST(Example, TensorGroups) {
  ::testing::internal::CaptureStdout();
  // Example of common/tensor_groups.h
  TensorGroups groups;
  groups["model"]["weight"] = at::ones({2, 3});
  for (const auto& [group, tensors] : groups) std::cout << group << ": " << tensors.size() << "\n";
  // End
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "model: 1\n");
}

TEST(Example, Group) {
  // Example of distributed/group.h
  const auto rank_sum = [](Group group) {
    at::Tensor x = at::full({1}, group.rank(), at::kLong);
    group.all_reduce(x);         // x == 0 + 1 + … + (W - 1) on every rank
    return group.all_gather(x);  // [W]: the rows of all ranks in rank order
  };
  rank_sum(single_group());  // one process alone: [0]

  std::vector<std::thread> ranks;  // two ranks as threads of this process: [1, 1] on both
  for (const Group& group : local_groups(2)) ranks.emplace_back(rank_sum, group);
  for (std::thread& rank : ranks) rank.join();
  // End
  EXPECT_EQ(rank_sum(single_group()).item<int64_t>(), 0);
}

TEST(Example, LeftOut) {
  // Example of sampler/left_out.h
  LeftOut left_out;
  left_out.add("file|files of a format that is not read (*.bmp); convert to PNG", "cats/1.bmp");
  const auto sentences = left_out.sentences();
  // "1 file of a format that is not read (*.bmp); convert to PNG; the first: cats/1.bmp"
  // End
  EXPECT_THAT(sentences, ElementsAre("1 file of a format that is not read (*.bmp); convert to PNG; the "
                                     "first: cats/1.bmp"));
}

TEST(Example, DataPart) {
  // Example of sampler/sources/data_part.h
  const DataPart train{.to = 0.8}, held_out{.from = 0.8};      // YAML: part: {to: 0.8}, part: {from: 0.8}
  const bool apart = train.has("Ada") != held_out.has("Ada");  // true, as for every name
  // End
  EXPECT_TRUE(apart);
}

TEST(Example, Loader) {
  const WorkFolder work;
  draw_photos();
  // Example of sampler/loader.h
  const ImageTransform transform({.width = 28, .height = 28}, /*seed=*/1);
  const auto images = open_images({.path = "photos"}, transform.decode_options());
  const auto examples = std::make_shared<ImageExamples>(images, transform);
  const auto sampler = std::make_shared<PkSampler>(images, PkConfig{}, /*global_batch=*/64, /*seed=*/1);
  Loader loader(examples, sampler, {.rank = 0, .world = 1}, LoaderConfig{}, /*seed=*/1);
  const Batch batch = loader.next();  // features.pixels_nCHW [64, C, 28, 28], 64 labels
  // End
  EXPECT_EQ(batch.features.pixels_nCHW.size(0), 64);
  EXPECT_EQ(batch.features.pixels_nCHW.size(3), 28);
  EXPECT_EQ(batch.labels.size(), 64U);
}

}  // namespace
}  // namespace lodestone::testing
