// Programs of torch.export as the encoder of whole runs: on several ranks, in micro-batches, after a restart,
// and in every command.
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/small_runs.h"
#include "common/safetensors.h"
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
  // The losses of both runs, to rounding in float32.
  static void expect_equal(const SmallRun& one, const SmallRun& other) {
    const auto expected = losses(one.run_folder()), got = losses(other.run_folder());
    ASSERT_EQ(expected.size(), 3U);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(got[i], expected[i], 1e-5 * std::max(1.0, std::abs(expected[i]))) << i;
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
TEST_F(ExportedRun, LearnsTheSameOnTwoAndThreeRanksInMicroBatchesAndWithRecomputation) {
  const SmallRun alone(yaml()), texts_alone(texts(texts_encoder()));
  trained(alone, 1);
  trained(texts_alone, 1);
  for (const int ranks : {2, 3}) {
    const SmallRun several(yaml()), texts_again(texts(texts_encoder()));
    trained(several, ranks);
    expect_equal(alone, several);
    trained(texts_again, ranks, {"--set", "micro_batch=3", "--set", "activation_checkpointing=true"});
    expect_equal(texts_alone, texts_again);
  }
}

TEST_F(ExportedRun, HasTheSameBitsOnAnyRanksInCanonicalRunsAndAfterARestart) {
  const std::vector<std::string> canonical{"--set", "determinism=canonical", "--set",
                                           "schedule.shape=constant"};
  const SmallRun alone(texts(texts_encoder())), two(texts(texts_encoder())), resumed(texts(texts_encoder()));
  trained(alone, 1, canonical);
  trained(two, 2, canonical);
  EXPECT_EQ(losses(two.run_folder()), losses(alone.run_folder()));
  std::vector<std::string> shorter = canonical;
  shorter.insert(shorter.end(), {"--set", "schedule.steps=2"});
  trained(resumed, 1, shorter);
  trained(resumed, 1, canonical);
  EXPECT_EQ(losses(resumed.run_folder()), losses(alone.run_folder()));
}

// What any encoder can be trained with changes the losses.
TEST_F(ExportedRun, TrainsWithTheOtherSettingsOfARun) {
  const SmallRun plain(yaml());
  trained(plain, 1);
  for (const std::vector<std::string>& settings : std::vector<std::vector<std::string>>{
           {"--set", "precision=bfloat16"},
           {"--set", "optimizer.learning_rates=[head.*=0.1]"},
           {"--set", "batch_norm=frozen"},
           {"--set", "loss=infonce", "--set", "memory.kind=momentum", "--set", "memory.size=32"}}) {
    const SmallRun work(yaml());
    trained(work, 1, settings);
    EXPECT_NE(losses(work.run_folder()), losses(plain.run_folder())) << settings[1];
  }
  const SmallRun deep(texts(texts_encoder())), even(texts(texts_encoder()));
  trained(deep, 1, {"--set", "optimizer.layer_decay=0.5"});
  trained(even, 1);
  EXPECT_NE(losses(deep.run_folder()), losses(even.run_folder()));
  const Finished planned = run(lodestone({"plan", deep.config(), "--ranks", "2"}));
  EXPECT_EQ(planned.code, 0) << planned.err;
}

TEST_F(ExportedRun, KeepsFrozenWeightsAndExportsTheAverage) {
  const auto weights = [this](const std::vector<std::string>& settings) {
    const SmallRun work(yaml());
    trained(work, 1, settings);
    const std::string out = work.path("w.safetensors");
    const Finished done =
        run(lodestone({"export", work.run_folder(), "--format", "safetensors", "--output", out}));
    EXPECT_EQ(done.code, 0) << done.err;
    return read_safetensors(out);
  };
  const TensorMap start = weights({"--set", "optimizer.learning_rate=0"}), plain = weights({}),
                  frozen = weights({"--set", "encoder.frozen=[first.*]"}),
                  average = weights({"--set", "ema.decay=0.9"});
  EXPECT_FALSE(at::equal(plain.at("first.weight"), start.at("first.weight")));
  EXPECT_TRUE(at::equal(frozen.at("first.weight"), start.at("first.weight")));
  EXPECT_FALSE(at::equal(frozen.at("head.weight"), start.at("head.weight")));
  EXPECT_FALSE(at::equal(average.at("head.weight"), plain.at("head.weight")));
}

TEST_F(ExportedRun, OfTwoProgramsTrainsBothTowers) {
  const std::string tower = "{name: exported, file: " + program("towers.pt2") + ", program: ";
  const SmallRun work(
      "global_batch: 16\ndata:\n  kind: image_texts\n  train: {path: captions.tsv}\n  image: {width: 16, "
      "height: 16, channels: 1}\n"
      "  text: {tokenizer: {path: vocab.txt, max_tokens: 9}}\nsampler: {name: two_views}\nencoder: {name: "
      "two_tower, image: " +
      tower + "image}, text: " + tower + "text}, embedding: 0}\nloss: clip\n");
  trained(work, 2);
  const Finished done = run(lodestone({"inspect", work.run_folder()}));
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(losses(work.run_folder()).size(), 3U);
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
