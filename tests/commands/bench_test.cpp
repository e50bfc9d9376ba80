// What the benches measure varies; that they measure the right thing does not.
#include <sstream>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/safetensors.h"
#include "support/program.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

TEST(BenchCollectives, CountsTheBytesOfEachVerb) {
  const Workspace work;
  const std::string answer = work.path("answer.json");
  const Finished bench = run(
      mpirun(2, lodestone({"bench", "collectives", "--sizes", "4096", "--repeat", "3", "--json", answer})));
  ASSERT_EQ(bench.code, 0) << bench.err;
  const auto json = nlohmann::json::parse(contents(answer));
  EXPECT_EQ(json["world"], 2);
  std::map<std::string, int64_t> sent;
  for (const auto& result : json["results"]) {
    EXPECT_GT(result["seconds"].get<double>(), 0);
    sent[result["verb"]] = result["sent_bytes"];
  }
  EXPECT_EQ(sent.at("all_reduce"), 4096);
  EXPECT_EQ(sent.at("all_gather"), 4096);
  EXPECT_EQ(sent.at("reduce_scatter"), 2048);
  EXPECT_EQ(sent.at("broadcast"), 4096);
  EXPECT_EQ(sent.at("send_recv"), 4096);
  EXPECT_TRUE(sent.contains("barrier"));
}

TEST(BenchCollectives, RefusesAnUnknownVerb) {
  const Finished bench = run(lodestone({"bench", "collectives", "--verbs", "all_redoce"}));
  EXPECT_EQ(bench.code, 2);
  EXPECT_THAT(bench.err, HasSubstr("all_reduce"));
}

TEST(BenchCheckpoint, SaysWhatASaveCostsAndLeavesNothing) {
  const Workspace work;
  const std::string answer = work.path("answer.json"), folder = work.path("here");
  const Finished bench = run(lodestone({"bench", "checkpoint", "--parameters", "1500000", "--repeat", "1",
                                        "--folder", folder, "--json", answer}));
  ASSERT_EQ(bench.code, 0) << bench.err;
  const auto json = nlohmann::json::parse(contents(answer));
  EXPECT_EQ(json["bytes"], 18'000'000);
  for (const char* what : {"copy_seconds", "stall_seconds", "raw_write_seconds", "checked_by_raw_write"})
    EXPECT_GT(json[what].get<double>(), 0) << what;
  EXPECT_GT(json["save_seconds"].get<double>(), json["stall_seconds"].get<double>());
  EXPECT_TRUE(fs::is_empty(folder));
}

// The last line is one round: its two rates have the ratio that it names.
TEST(BenchLoader, SaysWhatTheMedianRoundMeasured) {
  const Workspace work;
  const Finished bench =
      run(lodestone({"bench", "loader", work.config(), "--seconds", "0.1", "--rounds", "3"}));
  ASSERT_EQ(bench.code, 0) << bench.err;
  const std::string last = bench.out.substr(bench.out.find("median round: "));
  std::istringstream words(last);
  std::string word;
  double rate = 0, limit = 0, percent = 0;
  words >> word >> word >> rate >> word >> limit >> word >> word >> word >> word >> word >> percent;
  ASSERT_TRUE(words) << last;
  EXPECT_NEAR(100 * rate / limit, percent, 0.5);
}

TEST(BenchStep, TimesTheConfigurationsOwnData) {
  const Workspace work;
  const std::string answer = work.path("answer.json");
  const Finished bench =
      run(lodestone({"bench", "step", work.config(), "--steps", "3", "--warm-up", "1", "--json", answer}));
  ASSERT_EQ(bench.code, 0) << bench.err;
  const auto json = nlohmann::json::parse(contents(answer));
  EXPECT_EQ(json["steps"], 3);
  EXPECT_EQ(json["losses"].size(), 4u);
  EXPECT_GT(json["samples_per_second"].get<double>(), 0);
  EXPECT_LE(json["phase_seconds"]["encode"].get<double>(), json["seconds"].get<double>());
}

TEST(BenchStep, TakesRowsFromAFileAndFollowsOneCurveOnAnyWorld) {
  const Workspace work;
  const std::string rows = work.path("rows.safetensors"), answer = work.path("answer.json");
  const at::Tensor pixels = (at::arange(2 * 8 * 28 * 28).view({2, 8, 1, 28, 28}) % 97).to(at::kFloat) / 97;
  write_safetensors(rows, {{"pixels", pixels}, {"label", at::arange(8).floor_divide(2).repeat({2, 1})}});
  std::vector<std::vector<double>> losses;
  for (const int ranks : {1, 2}) {
    auto command = lodestone({"bench", "step", work.config(), "--rows", rows, "--steps", "3", "--json",
                              answer, "--set", "batch_norm=sync"});
    const Finished bench = run(ranks == 1 ? command : mpirun(ranks, command));
    ASSERT_EQ(bench.code, 0) << bench.err;
    const auto json = nlohmann::json::parse(contents(answer));
    EXPECT_EQ(json["global_batch"], 8);
    losses.push_back(json["losses"].get<std::vector<double>>());
  }
  for (size_t i = 0; i < losses[0].size(); ++i) EXPECT_NEAR(losses[1][i], losses[0][i], 1e-3 * losses[0][i]);
}

TEST(BenchStep, SaysWhatAFileLacks) {
  const Workspace work;
  const std::string rows = work.path("rows.safetensors");
  const auto refused = [&](const TensorMap& tensors) {
    write_safetensors(rows, tensors);
    const Finished bench = run(lodestone({"bench", "step", work.config(), "--rows", rows}));
    EXPECT_EQ(bench.code, 3);
    return bench.err;
  };
  EXPECT_THAT(refused({{"label", at::zeros({1, 2}, at::kLong)}}), HasSubstr("pixels"));
  EXPECT_THAT(refused({{"label", at::zeros({1, 2}, at::kLong)}, {"pixels", at::zeros({1, 3, 1, 28, 28})}}),
              HasSubstr("same batches"));
  EXPECT_THAT(
      refused({{"label", at::zeros({1, 2}, at::kLong) - 1}, {"pixels", at::zeros({1, 2, 1, 28, 28})}}),
      HasSubstr("label"));
}

}  // namespace
}  // namespace lodestone::testing
