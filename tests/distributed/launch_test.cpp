#include "distributed/launch.h"

#include <algorithm>
#include <map>
#include <string>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "collectives.h"
#include "common/error.h"
#include "distributed/backends/backend.h"

namespace lodestone::testing {
using namespace distributed;
namespace {

Environment environment_of(const std::map<std::string, std::string>& variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

std::string refusal(const LaunchOptions& options, const std::map<std::string, std::string>& variables) {
  try {
    Launch launch(options, environment_of(variables));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Launch, without_launcher_is_a_world_of_one_without_mpi) {
  Launch launch({}, environment_of({}));
  EXPECT_EQ(launch.world().size(), 1);
  EXPECT_EQ(launch.world().backend(), "local");
  EXPECT_EQ(launch.control(), nullptr);
  at::Tensor x = at::ones({2});
  launch.world().all_reduce(x);
  EXPECT_TRUE(at::equal(x, at::ones({2})));
}

TEST(Launch, world_of_one_keeps_the_group_options) {
  LaunchOptions options;
  options.group.timeout = std::chrono::milliseconds(7);
  EXPECT_EQ(Launch(options, environment_of({})).world().options().timeout, std::chrono::milliseconds(7));
}

struct Refusal {
  const char* name;
  const char* backend;
  std::map<std::string, std::string> variables;
  const char* mentions;
};

class LaunchRefuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(LaunchRefuses, what_cannot_be) {
  LaunchOptions options;
  options.backend = GetParam().backend;
  const std::string text = refusal(options, GetParam().variables);
  EXPECT_NE(text.find(GetParam().mentions), std::string::npos) << text;
}

const std::map<std::string, std::string> kTorchrun = {{"RANK", "0"}, {"WORLD_SIZE", "2"}};

INSTANTIATE_TEST_SUITE_P(Table, LaunchRefuses,
                         ::testing::Values(Refusal{"unknown_backend", "gloo", {}, "got 'gloo'"},
                                           Refusal{"mpi_without_mpirun", "mpi", {}, "start with mpirun"},
                                           Refusal{"mpi_under_torchrun", "auto", kTorchrun, "got torchrun"},
                                           Refusal{"local_with_many_ranks", "local", kTorchrun, "started 2"}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(Launch, each_backend_is_a_choice_and_named_by_the_error) {
  const auto names = backend_names();
  ASSERT_EQ(names.size(), backend_table().size() + 1);
  EXPECT_STREQ(names.front(), "auto");
  LaunchOptions options;
  options.backend = "gloo";
  for (const char* name : names) EXPECT_NE(refusal(options, {}).find(name), std::string::npos) << name;
}

TEST(Launch, auto_is_exactly_one_backend) {
  for (const int world : {0, 1, 2})
    for (const bool cuda : {false, true}) {
      LaunchInfo info;
      info.world = world;
      const auto selected = [&](const BackendRow& row) { return row.automatic(info, cuda); };
      EXPECT_EQ(std::ranges::count_if(backend_rows(), selected), 1) << world << (cuda ? " with CUDA" : "");
    }
}

std::string problem_of(const std::string& name) {
  for (const BackendStatus& backend : backend_table())
    if (backend.name == name) return backend.problem;
  return "no such backend";
}

TEST(Launch, asking_for_absent_cuda_says_what_is_missing) {
  const std::string problem = problem_of("nccl");
  if (problem.empty()) GTEST_SKIP() << "this host has CUDA and a GPU";
  EXPECT_EQ(gpu_problem(), problem);
  LaunchOptions options;
  options.device = DeviceChoice::kCuda;
  EXPECT_NE(refusal(options, {}).find(problem), std::string::npos);
  options.backend = "nccl";
  EXPECT_NE(refusal(options, {}).find(problem), std::string::npos);
}

TEST(Nccl, collectives_hold) {
  const std::string problem = problem_of("nccl");
  if (!problem.empty()) GTEST_SKIP() << problem;
  LaunchOptions options;
  options.backend = "nccl";
  options.device = DeviceChoice::kCuda;
  Launch launch(options);
  at::Tensor x = at::ones({5}).to(launch.device());
  launch.world().all_reduce(x);
  EXPECT_TRUE(at::equal(x.cpu(), at::full({5}, static_cast<float>(launch.world().size()))));
  const at::Tensor rows = at::full({2, 3}, launch.world().rank()).to(launch.device());
  EXPECT_EQ(launch.world().all_gather(rows).size(0), 2 * launch.world().size());
}

}  // namespace
}  // namespace lodestone::testing
