// Steps that are not finite: left out, or the run goes back to its newest checkpoint.
#include <map>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/csrc/jit/api/module.h>

#include "support/program.h"
#include "support/run_lines.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::testing {
using namespace coordinator;
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

// How many events of each kind the run tells of.
std::map<std::string, int64_t> events_of(const Workspace& work) {
  std::map<std::string, int64_t> events;
  for (const auto& line : lines_of(work.run(), "event")) ++events[line["event"]];
  return events;
}

// A learning rate that no weights survive: every try from the checkpoint ends in the next step but one.
TEST(NonFinite, StepsThatAreNotFiniteAreSkippedOrRolledBackSoOftenAndNoMore) {
  const Workspace work;
  ASSERT_EQ(run(lodestone({"train", work.config(), "--set", "schedule.steps=4"})).code, 0);
  const auto saved = [folder = work.run() / "checkpoints/step-00000004"] {
    return contents(folder / "model.safetensors") + contents(folder / "optimizer.safetensors");
  };
  const std::string good = saved();
  const auto wild = [&](const std::string& action) {
    return run(lodestone({"train", work.config(), "--set", "schedule.steps=100", "--set",
                          "optimizer.learning_rate=1e38", "--set", "checkpoint.every_steps=0", "--set",
                          "on_non_finite=" + action, "--set",
                          action == "fail" ? "max_non_finite=" : "max_non_finite=3"}));
  };
  const Finished rolled = wild("rollback");
  EXPECT_EQ(rolled.code, 1) << rolled.err;
  EXPECT_THAT(rolled.err, HasSubstr("rolled back to step 4"));
  auto events = events_of(work);
  EXPECT_EQ(events["rollback"], 3);
  EXPECT_EQ(events["non_finite"], 4);
  const Finished skipped = wild("skip");
  EXPECT_EQ(skipped.code, 1) << skipped.err;
  EXPECT_THAT(skipped.err, HasSubstr("the update is left out"));
  const Finished failed = wild("fail");
  EXPECT_EQ(failed.code, 1) << failed.err;
  EXPECT_THAT(failed.err, HasSubstr("see on_non_finite"));
  EXPECT_EQ(saved(), good);
}

// A model that divides by an image's contrast, and one image that has none: each batch with it is not
// finite.
TEST(NonFinite, RollsBackFromBatchesThatAreNotFiniteAndContinuesToTheEnd) {
  torch::jit::Module model("contrast");
  model.register_parameter("weight", at::sin(at::arange(256 * 8, at::kFloat)).reshape({256, 8}),
                           /*is_buffer=*/false);
  model.define(R"(
def forward(self, x):
    x = x.flatten(1)
    return torch.matmul(x, self.weight) / (x.max(1, keepdim=True)[0] - x.min(1, keepdim=True)[0])
)");
  std::vector<int64_t> counts;
  for (const int ranks : {1, 2}) {
    const Workspace work;
    model.save(work.path("model.pt").string());
    std::string config = contents(work.config());
    const size_t begin = config.find("encoder:"), end = config.find('\n', begin);
    std::ofstream(work.config()) << config.replace(
        begin, end - begin, "encoder: {name: torchscript, file: " + work.path("model.pt").string() + "}");
    const auto train_to = [&](int step) {
      auto command = lodestone({"train", work.config(), "--allow-code"});
      for (const std::string& setting :
           {"schedule.steps=" + std::to_string(step), std::string("checkpoint.every_steps=1"),
            std::string("memory.kind=xbm"), std::string("memory.size=24"),
            std::string("on_non_finite=rollback"), std::string("max_non_finite=100")})
        command.insert(command.end(), {"--set", setting});
      const Finished done = ranks == 1 ? run(command) : run(mpirun(ranks, command));
      EXPECT_EQ(done.code, 0) << done.err;
    };
    train_to(2);  // there is something to go back to
    write_png(work.path("pictures/class3/0.png"), Image(16, 16, 1));
    train_to(12);
    auto events = events_of(work);
    EXPECT_GE(events["rollback"], 1);
    EXPECT_EQ(events["rollback"], events["non_finite"]);
    counts.push_back(events["rollback"]);
    EXPECT_EQ(losses(work.run()).size(), 12u);
    const Snapshot last = load_checkpoint(work.run() / "checkpoints").snapshot;
    EXPECT_EQ(last.state["step"], 12);
    EXPECT_EQ(last.state["counters"]["non_finite_steps"], events["non_finite"]);
    for (const auto& [group, tensors] : last.tensors)
      for (const auto& [name, tensor] : tensors)
        EXPECT_TRUE(at::isfinite(tensor).all().item<bool>()) << group << " " << name;
  }
  EXPECT_EQ(counts[0], counts[1]);
}

TEST(NonFinite, ADamagedCheckpointThatARollbackPassesOverIsReported) {
  const Workspace work;
  ASSERT_EQ(run(lodestone({"train", work.config()})).code, 0);
  const auto newest = work.run() / "checkpoints" / "step-00000008";
  fs::copy(newest, work.path("copy"));
  std::string bytes = contents(newest / "model.safetensors");
  bytes.back() ^= 1;
  std::ofstream(newest / "model.safetensors", std::ios::binary) << bytes;
  const Finished rolled = run(lodestone({"train", work.config(), "--resume", work.path("copy").string(),
                                         "--set", "schedule.steps=100", "--set",
                                         "optimizer.learning_rate=1e38", "--set", "checkpoint.every_steps=0",
                                         "--set", "on_non_finite=rollback", "--set", "max_non_finite=1"}));
  EXPECT_EQ(rolled.code, 1) << rolled.err;
  EXPECT_THAT(rolled.err, HasSubstr("rolled back to step 4"));
  auto events = events_of(work);
  EXPECT_EQ(events["rollback"], 1);
  EXPECT_EQ(events["checkpoint_damaged"], 1);
}

}  // namespace
}  // namespace lodestone::testing
