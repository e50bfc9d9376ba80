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

INSTANTIATE_TEST_SUITE_P(All, Recipe, ::testing::ValuesIn(recipes()), [](const auto& recipe) {
  std::string name = recipe.param.stem().string();
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace lodestone::testing
