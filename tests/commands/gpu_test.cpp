// Ranks on a GPU, over NCCL: started as torchrun would, all on the first GPU. NCCL takes two ranks on one GPU
// for a mistake unless they seem to be on hosts of their own; then they talk over sockets. Skipped where
// there is no GPU.
#include <ATen/TensorOperators.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/safetensors.h"
#include "support/program.h"
#include "support/run_lines.h"
#include "support/taken_port.h"
#include "support/texts.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr bool kWithCuda = LODESTONE_WITH_CUDA;
constexpr const char* kConv4 = "{name: conv4, channels: [8, 8, 8], embedding: 8}";
constexpr const char* kResNet = "{name: resnet18, width: 16, stem: small}";

class Gpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kWithCuda) GTEST_SKIP() << "the program is built without CUDA";
    if (!fs::exists("/dev/nvidiactl")) GTEST_SKIP() << "no GPU here";
  }

  static std::vector<std::string> on_gpu(std::vector<std::string> arguments,
                                         const std::vector<std::string>& settings = {}) {
    auto command = lodestone(std::move(arguments));
    for (const std::string& setting : settings) command.insert(command.end(), {"--set", setting});
    command.insert(command.end(), {"--set", "distributed.device=cuda"});
    return command;
  }

  // Two ranks of one job, each a process.
  struct Ranks {
    explicit Ranks(const std::vector<std::string>& command) {
      const int port = TakenPort().port();
      for (const std::string rank : {"0", "1"}) {
        std::vector<std::string> words = {"env",
                                          "RANK=" + rank,
                                          "WORLD_SIZE=2",
                                          "LOCAL_RANK=" + rank,
                                          "LOCAL_WORLD_SIZE=2",
                                          "MASTER_ADDR=127.0.0.1",
                                          "MASTER_PORT=" + std::to_string(port),
                                          "CUDA_VISIBLE_DEVICES=0",
                                          "NCCL_HOSTID=host" + rank,
                                          "NCCL_SOCKET_IFNAME=lo"};
        words.insert(words.end(), command.begin(), command.end());
        processes.push_back(std::make_unique<Process>(words));
      }
    }
    std::vector<Finished> wait() {
      std::vector<Finished> all;
      for (auto& process : processes) all.push_back(process->wait());
      return all;
    }
    std::vector<std::unique_ptr<Process>> processes;
  };

  static Finished run_ranks(int ranks, const std::vector<std::string>& command) {
    if (ranks == 1) return run(command);
    auto all = Ranks(command).wait();
    EXPECT_EQ(all[1].code, all[0].code) << all[1].err;
    return all[0];
  }

  // The workspace's conv4 in exchange for another encoder.
  static void exchange_encoder(const Workspace& work, const std::string& encoder) {
    std::string config = contents(work.config());
    const size_t begin = config.find("encoder:"), end = config.find('\n', begin);
    std::ofstream(work.config()) << config.replace(begin, end - begin, "encoder: " + encoder);
  }

  // The weights of a run that was interrupted are those of one that wasn't.
  static void expect_same_bits(int ranks, const std::vector<std::string>& settings,
                               const std::string& encoder = kConv4, std::vector<std::string> files = {}) {
    const Workspace whole, parts;
    for (const Workspace* work : {&whole, &parts}) {
      exchange_encoder(*work, encoder);
      const Finished train = run_ranks(ranks, on_gpu({"train", work->config()}, settings));
      ASSERT_EQ(train.code, 0) << train.err;
    }
    fs::remove_all(parts.run() / "checkpoints" / "step-00000008");
    const Finished again = run_ranks(ranks, on_gpu({"train", parts.config()}, settings));
    ASSERT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(losses(parts.run()), losses(whole.run()));
    files.insert(files.end(), {"model.safetensors", "optimizer.safetensors"});
    for (const std::string& file : files)
      EXPECT_EQ(contents(parts.run() / "checkpoints/step-00000008" / file),
                contents(whole.run() / "checkpoints/step-00000008" / file))
          << file;
  }
};

TEST_F(Gpu, ContinuesBitIdentically) {
  for (const std::vector<std::string>& settings : {std::vector<std::string>{},
                                                   {"precision=float16"},
                                                   {"precision=bfloat16"},
                                                   {"loss.name=triplet", "miner.name=semi_hard"}})
    expect_same_bits(1, settings);
  expect_same_bits(1, {}, kResNet);
}

TEST_F(Gpu, TwoRanksGoOnBitIdentically) {
  expect_same_bits(2, {});
  expect_same_bits(2, {"memory.kind=xbm", "memory.size=25"}, kConv4, {"memory.safetensors"});
  expect_same_bits(2, {"loss.name=arcface", "miner.name=all"}, kConv4, {"proxies.safetensors"});
}

// cuDNN's convolutions round to TF32's ten bits.
TEST_F(Gpu, EmbedsAsTheCpuDoes) {
  for (const char* encoder : {kConv4, kResNet, "{name: mlp}", "{name: vit_tiny, patch_size: 8, layers: 2}"}) {
    const Workspace work;
    exchange_encoder(work, encoder);
    const Finished train = run(on_gpu({"train", work.config()}, {"evaluate.data.path=pictures"}));
    ASSERT_EQ(train.code, 0) << train.err;
    const Finished evaluate = run(on_gpu({"evaluate", work.run()}));
    EXPECT_EQ(evaluate.code, 0) << evaluate.err;
    const auto embedded = [&](std::vector<std::string> command, const std::string& name) {
      command.insert(command.end(), {"--output", work.path(name)});
      const Finished embed = run(command);
      EXPECT_EQ(embed.code, 0) << embed.err;
      return read_safetensors(work.path(name)).begin()->second;
    };
    const at::Tensor there = embedded(on_gpu({"embed", work.run()}), "gpu.safetensors"),
                     here = embedded(lodestone({"embed", work.run()}), "cpu.safetensors");
    EXPECT_LE((there - here).abs().max().item<double>(), 5e-3) << encoder;
  }
}

TEST_F(Gpu, TextsTrainThere) {
  const TextFolder work;
  std::string rows;
  for (int topic = 0; topic < 8; ++topic)
    for (int n = 0; n < 8; ++n)
      rows += "tell word" + std::to_string(topic) + " number " + std::to_string(n) + "\ttopic" +
              std::to_string(topic) + "\n";
  const std::string texts = work.write("train.tsv", rows);
  ASSERT_EQ(run(lodestone({"tokenizer", "train", "--input", texts, "--vocabulary", "100", "--output",
                           work.path("vocab.txt")}))
                .code,
            0);
  for (const std::string encoder :
       {"{name: bag_of_tokens}", "{name: bert, layers: 2, width: 32, heads: 2, intermediate: 64}"}) {
    std::vector<std::vector<double>> found;
    for (const std::string run_name : {"a", "b"}) {
      const std::string config =
          work.write("run.yaml", "run_dir: " + work.path(run_name + encoder.substr(7, 3)) +
                                     "\nglobal_batch: 16\ndata:\n  root: " + work.path("") +
                                     "\n  kind: texts\n  train: {path: train.tsv}\n  text:\n    tokenizer: "
                                     "{path: vocab.txt, max_tokens: 16}\n"
                                     "sampler: {samples_per_class: 4}\nencoder: " +
                                     encoder + "\nschedule: {steps: 20, warmup_steps: 2}\n");
      const Finished train = run(on_gpu({"train", config}));
      ASSERT_EQ(train.code, 0) << train.err;
      found.push_back(losses(work.path(run_name + encoder.substr(7, 3))));
    }
    EXPECT_LT(found[0].back(), found[0].front());
    EXPECT_EQ(found[1], found[0]) << encoder;
  }
}

TEST_F(Gpu, TwoRanksHaveTheGradientsOfOneProcess) {
  const Workspace work;
  for (const std::vector<std::string>& settings :
       {std::vector<std::string>{"batch_norm=sync"},
        {"batch_norm=local"},
        {"exchange=ring"},
        {"memory.kind=xbm", "memory.size=24", "memory.start_step=1"},
        {"memory.kind=momentum", "memory.size=24"}}) {
    const Finished verify = run_ranks(2, on_gpu({"verify-gradients", work.config()}, settings));
    EXPECT_EQ(verify.code, 0) << settings[0] << verify.out << verify.err;
    EXPECT_THAT(verify.out, HasSubstr("2 ranks against one process"));
  }
}

TEST_F(Gpu, ALostRankIsNamedAndTheOtherEnds) {
  for (const int signal : {SIGKILL, SIGSTOP}) {
    const Workspace work;
    Ranks ranks(on_gpu({"train", work.config()}, {"schedule.steps=100000", "checkpoint.every_steps=0"}));
    ASSERT_TRUE(Process::until(
        60, [&] { return contents(work.run() / "metrics.jsonl").find("\"step\":20") != std::string::npos; }));
    ranks.processes[1]->signal(signal);
    const Finished left = ranks.processes[0]->wait(30);
    EXPECT_EQ(left.code, 4) << left.err;
    EXPECT_THAT(left.err, HasSubstr("rank 1"));
  }
}

}  // namespace
}  // namespace lodestone::testing
