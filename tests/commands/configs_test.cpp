// Every recipe that is shipped resolves: no key is unknown, no value out of range, nothing contradicts.
#include <algorithm>

#include <gtest/gtest.h>

#include "support/program.h"

namespace lodestone::testing {
namespace {

std::vector<std::filesystem::path> recipes() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(LODESTONE_SOURCE) / "configs"))
    if (entry.path().extension() == ".yaml") found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

class Recipe : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(Recipe, Resolves) {
  const Finished got = run(lodestone({"config", GetParam()}));
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_NE(got.out.find("encoder:"), std::string::npos);
}

TEST(FacesRecipe, TakesAFolderForEachPersonAndVerifiesUnseenOnes) {
  Workspace work;
  for (int person = 0; person < 8; ++person) {
    const std::string name = "class" + std::to_string(person);
    const std::filesystem::path to = work.path(person < 5 ? "train" : "unseen");
    std::filesystem::create_directories(to);
    std::filesystem::rename(work.path("pictures/" + name), to / name);
  }
  const Finished got =
      run(lodestone({"train", std::string(LODESTONE_SOURCE) + "/configs/faces.yaml", "--set",
                     "data.root=" + work.path(".").string(), "--set", "run_dir=" + work.path("run").string(),
                     "--set", "global_batch=6", "--set", "data.image.width=32", "--set",
                     "data.image.height=32", "--set", "schedule={steps: 2, warmup_steps: 1}"}));
  ASSERT_EQ(got.code, 0) << got.err;
  for (const char* measure : {"eer", "roc_auc", "recall_at_1"})
    EXPECT_NE(got.out.find(measure), std::string::npos) << measure << got.out;
}

INSTANTIATE_TEST_SUITE_P(All, Recipe, ::testing::ValuesIn(recipes()), [](const auto& recipe) {
  std::string name = recipe.param.stem().string();
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace lodestone::testing
