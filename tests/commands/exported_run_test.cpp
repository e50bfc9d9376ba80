// Programs of torch.export as the encoder of whole runs: on several ranks, in micro-batches, after a restart,
// and in every command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/small_runs.h"
#include "support/program.h"
#include "support/run_lines.h"

namespace lodestone::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Copies a recorded program into the run's data, so that a test may replace it.
class ExportedRun : public ::testing::Test {
 protected:
  ExportedRun() { put("convolutions-dropout.pt2"); }

  static std::string program(const std::string& name) {
    return std::string(LODESTONE_SOURCE) + "/tests/encoders/programs/" + name;
  }
  void put(const std::string& name) const {
    fs::copy_file(program(name), file(), fs::copy_options::overwrite_existing);
  }
  fs::path file() const { return programs_.path() / "encoder.pt2"; }
  std::string yaml(const std::string& more = "") const {
    return grey_images("{name: exported, file: " + file().string() + "}") + "batch_norm: sync\n" + more;
  }
  static std::string texts_encoder() {
    return "{name: exported, file: " + program("texts-dropout.pt2") + "}";
  }
  static void trained(const SmallRun& run, int ranks, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"train", run.config()};
    words.insert(words.end(), more.begin(), more.end());
    const Finished done = testing::run(ranks == 1 ? lodestone(words) : mpirun(ranks, lodestone(words)));
    ASSERT_EQ(done.code, 0) << done.err;
  }
  TempFolder programs_;
};

// Dropout and synchronous norms included.
TEST_F(ExportedRun, LearnsTheSameOnTwoRanksInMicroBatchesAndWithRecomputation) {
  const SmallRun alone(yaml()), two(yaml()), texts_alone(texts(texts_encoder())),
      texts_again(texts(texts_encoder()));
  trained(alone, 1);
  trained(two, 2);
  const auto expected = losses(alone.run_folder()), got = losses(two.run_folder());
  ASSERT_EQ(expected.size(), 3U);
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(got[i], expected[i], 2e-4) << i;

  trained(texts_alone, 1);
  trained(texts_again, 2, {"--set", "micro_batch=4", "--set", "activation_checkpointing=true"});
  const auto of_texts = losses(texts_alone.run_folder()), again = losses(texts_again.run_folder());
  ASSERT_EQ(again.size(), of_texts.size());
  for (size_t i = 0; i < of_texts.size(); ++i) EXPECT_NEAR(again[i], of_texts[i], 2e-4) << i;
}

TEST_F(ExportedRun, IsVerifiedResumedEvaluatedEmbeddedAndExported) {
  const SmallRun work(yaml());
  const Finished verified = run(mpirun(2, lodestone({"verify-gradients", work.config()})));
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  trained(work, 1, {"--set", "checkpoint.every_steps=1"});
  const Finished longer = run(lodestone({"train", work.config(), "--set", "schedule.steps=5"}));
  EXPECT_EQ(longer.code, 0) << longer.err;
  EXPECT_EQ(losses(work.run_folder()).size(), 5U);
  const std::string folder = work.run_folder(), out = work.path("z.safetensors");
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"evaluate", folder},
           {"embed", work.config(), "--input", work.path("grey"), "--output", work.path("untrained.npy")},
           {"embed", folder, "--input", work.path("grey"), "--output", out},
           {"search", folder, "--gallery", out, "--input", work.path("grey/class0/0.png")},
           {"export", folder, "--format", "safetensors", "--output", work.path("w.safetensors")},
           {"inspect", folder}}) {
    const Finished done = run(lodestone(words));
    EXPECT_EQ(done.code, 0) << words[0] << done.err;
    EXPECT_THAT(done.err, Not(HasSubstr("--allow-code"))) << words[0];
  }
}

TEST_F(ExportedRun, AnotherFileInItsPlaceIsRefusedAndNamedByTheCommandTaken) {
  const SmallRun work(yaml());
  trained(work, 1);
  put("convolutions.pt2");
  const Finished refused = run(lodestone({"evaluate", work.run_folder()}));
  EXPECT_EQ(refused.code, 2) << refused.err;
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("the file that the checkpoint was made with"), HasSubstr(file().string())));
  const Finished named =
      run(lodestone({"evaluate", work.run_folder(), "--set", "encoder.file=" + file().string()}));
  EXPECT_EQ(named.code, 0) << named.err;
}

}  // namespace
}  // namespace lodestone::testing
