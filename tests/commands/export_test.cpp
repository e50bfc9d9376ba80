// Weights out of a run and into another one.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include "common/safetensors.h"
#include "support/program.h"
#include "support/run_lines.h"

namespace lodestone::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class Export : public ::testing::Test {
 protected:
  Finished train(const std::vector<std::string>& sets) {
    auto command = lodestone({"train", work_.config()});
    for (const auto& assignment : sets) command.insert(command.end(), {"--set", assignment});
    return run(command, 60);
  }
  Finished export_to(const std::string& format, const std::string& file) {
    return run(lodestone({"export", work_.run(), "--format", format, "--output", work_.path(file)}), 60);
  }
  Workspace work_;
};

TEST_F(Export, GivesFilesThatAnotherRunStartsFrom) {
  ASSERT_EQ(train({}).code, 0);
  ASSERT_EQ(export_to("safetensors", "w.safetensors").code, 0);
  const std::string file = contents(work_.path("w.safetensors"));
  const auto header = read_safetensors_header(file, "w");
  EXPECT_THAT(header.metadata.at("encoder"), HasSubstr("conv4"));
  EXPECT_EQ(header.metadata.at("normalize"), "true");
  EXPECT_TRUE(header.tensors.contains("blocks.0.bn.running_var"));

  EXPECT_THAT(export_to("safetensors", "w.safetensors").err,
              AllOf(HasSubstr("w.safetensors: replaced the file"), HasSubstr("w.md: replaced the file")));
  const Finished fresh = export_to("torchscript", "m.pt");
  ASSERT_EQ(fresh.code, 0);
  EXPECT_THAT(fresh.err, ::testing::Not(HasSubstr("m.pt: replaced")));
  torch::jit::ExtraFilesMap extra{{"step", ""}};
  torch::jit::Module module = torch::jit::load(work_.path("m.pt"), std::nullopt, extra);
  EXPECT_EQ(extra["step"], "8");
  size_t count = 0;
  for (const auto& parameter : module.named_parameters()) count += header.tensors.contains(parameter.name);
  for (const auto& buffer : module.named_buffers()) count += header.tensors.contains(buffer.name);
  EXPECT_EQ(count, header.tensors.size());

  const std::string weights = "encoder.init_from=" + work_.path("w.safetensors").string();
  std::filesystem::remove_all(work_.run());
  const Finished again = train({weights, "encoder.frozen=['blocks.0.*']", "encoder.embedding=5"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.err, AllOf(HasSubstr("15 tensors matched"),
                               HasSubstr("head.weight (theirs [8, 32], ours [5, 32])")));
  // The checkpoint counts from here on; the file may be gone.
  std::filesystem::remove(work_.path("w.safetensors"));
  EXPECT_EQ(run(lodestone({"evaluate", work_.run(), "--set", "evaluate.data.path=pictures"}), 60).code, 0);
  EXPECT_EQ(export_to("safetensors", "again.safetensors").code, 0);
  const auto frozen = decode_safetensors(contents(work_.path("again.safetensors")), "again");
  EXPECT_TRUE(
      frozen.at("blocks.0.conv.weight").equal(decode_safetensors(file, "w").at("blocks.0.conv.weight")));
  EXPECT_FALSE(
      frozen.at("blocks.1.conv.weight").equal(decode_safetensors(file, "w").at("blocks.1.conv.weight")));
}

TEST_F(Export, WritesAModelCardBesideIt) {
  ASSERT_EQ(train({"evaluate.data.path=pictures"}).code, 0);
  ASSERT_EQ(export_to("safetensors", "w.safetensors").code, 0);
  const std::string plain = contents(work_.path("w.md"));
  EXPECT_THAT(plain,
              AllOf(HasSubstr("# run\n"), HasSubstr("`conv4`"), HasSubstr("load_file(\"w.safetensors\")"),
                    HasSubstr("At step 8."), HasSubstr("| `recall_at_1`"), HasSubstr("    global_batch: "),
                    HasSubstr("model: not stated")));
  EXPECT_THAT(plain,
              ::testing::Not(AnyOf(HasSubstr("run_dir"), HasSubstr("metrics:"), HasSubstr("\nlicense:"))));

  const auto evaluated = work_.path("evaluated.json");
  ASSERT_EQ(run(lodestone({"evaluate", work_.run(), "--json", evaluated, "--calibrate", "0.1"}), 60).code, 0);
  const Finished reported =
      run(lodestone({"export", work_.run(), "--format", "torchscript", "--output", work_.path("m.pt"),
                     "--card", work_.path("README.md"), "--measures", evaluated, "--license", "mit",
                     "--data-license", "CC-BY-4.0"}),
          60);
  ASSERT_EQ(reported.code, 0) << reported.err;
  EXPECT_THAT(
      contents(work_.path("README.md")),
      AllOf(HasSubstr("license: \"mit\"\n"), HasSubstr("data: CC-BY-4.0"),
            HasSubstr("torch.jit.load(\"m.pt\")"), HasSubstr("without learning"), HasSubstr("## Threshold")));
  EXPECT_FALSE(std::filesystem::exists(work_.path("m.md")));

  for (const char* other : {"[1]", R"({"step":"8"})"}) {
    std::ofstream(evaluated) << other;
    EXPECT_EQ(run(lodestone({"export", work_.run(), "--format", "safetensors", "--output",
                             work_.path("n.safetensors"), "--measures", evaluated}),
                  60)
                  .code,
              3);
  }
  EXPECT_FALSE(std::filesystem::exists(work_.path("n.safetensors"))) << "nothing is half done";
}

TEST_F(Export, MistakesAreNamed) {
  EXPECT_EQ(export_to("safetensors", "w.safetensors").code, 5);
  EXPECT_EQ(export_to("onnx", "w.onnx").code, 2);
  const Finished absent = train({"encoder.init_from=/nowhere/w.safetensors"});
  EXPECT_EQ(absent.code, 1);
  EXPECT_THAT(absent.err, HasSubstr("/nowhere/w.safetensors"));
  const Finished ignored = train({"activation_checkpointing=true"});
  EXPECT_EQ(ignored.code, 2);
  EXPECT_THAT(ignored.err, AllOf(HasSubstr("activation_checkpointing"), HasSubstr("can be computed again")));
}

TEST_F(Export, DeepEncodersTrainWithRecomputedBlocks) {
  const std::string encoder = "encoder={name: resnet18, stem: small, width: 16}";
  ASSERT_EQ(train({encoder, "schedule.steps=3"}).code, 0);
  const auto kept = losses(work_.run());
  ASSERT_GE(kept.size(), 3U);
  std::filesystem::remove_all(work_.run());
  ASSERT_EQ(train({encoder, "schedule.steps=3", "activation_checkpointing=true"}).code, 0);
  EXPECT_EQ(losses(work_.run()), kept);
  // Two ranks find every gradient, also those that come out of a block computed again.
  std::filesystem::remove_all(work_.run());
  const auto command = lodestone({"train", work_.config(), "--set", encoder, "--set", "schedule.steps=3",
                                  "--set", "activation_checkpointing=true"});
  ASSERT_EQ(run(mpirun(2, command), 120).code, 0);
  const auto together = losses(work_.run());
  ASSERT_EQ(together.size(), kept.size());
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_NEAR(together[i], kept[i], 1e-3 * kept[i]) << i;
}

}  // namespace
}  // namespace lodestone::testing
