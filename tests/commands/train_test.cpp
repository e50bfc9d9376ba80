#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/program.h"
#include "support/run_lines.h"
#include "support/taken_port.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::testing {
using namespace coordinator;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
namespace fs = std::filesystem;

std::string weights(const fs::path& run, const std::string& step) {
  const std::string folder = run / "checkpoints" / ("step-" + step);
  return contents(folder + "/model.safetensors") + contents(folder + "/optimizer.safetensors");
}

TEST(Train, MakesARunFolderWithEverythingInIt) {
  const Workspace work;
  work.write_config("evaluate: {every: 4, data: {path: pictures}, one_shot_trials: 10, one_shot_ways: 4}\n");
  const Finished train = run(lodestone({"train", work.config()}));
  ASSERT_EQ(train.code, 0) << train.err;
  EXPECT_THAT(train.out, HasSubstr("recall_at_1"));
  EXPECT_THAT(train.err,
              AllOf(HasSubstr(" images/s  ETA"), HasSubstr("evaluating 48 images of 8 classes\n"),
                    HasSubstr("evaluated at step 4: recall_at_1 "), HasSubstr("ETA 0:00  recall_at_1 "),
                    HasSubstr("evaluated at step 8: recall_at_1 "), HasSubstr(" % (baseline ")));
  EXPECT_EQ(losses(work.run()).size(), 8u);
  EXPECT_EQ(lines_of(work.run(), "eval").size(), 2u);
  EXPECT_THAT(contents(work.run() / "config.yaml"), HasSubstr("embedding: 8"));
  EXPECT_THAT(contents(work.run() / "report.html"), HasSubstr("</html>"));

  const Finished inspect = run(lodestone({"inspect", work.run()}));
  EXPECT_EQ(inspect.code, 0) << inspect.err;
  EXPECT_THAT(inspect.out, HasSubstr("step 8"));

  const Finished evaluate = run(lodestone({"evaluate", work.run(), "--json", work.path("result.json")}));
  ASSERT_EQ(evaluate.code, 0) << evaluate.err;
  const auto result = nlohmann::json::parse(contents(work.path("result.json")));
  EXPECT_EQ(result["step"], 8);
  for (const char* name : {"recall_at_1", "map_at_r", "eer", "roc_auc", "one_shot_accuracy"})
    EXPECT_EQ(result[name], lines_of(work.run(), "eval").back()[name]) << name;
  EXPECT_TRUE(result["floor"].contains("recall_at_1"));

  // On two ranks, but trained on one.
  const Finished verified = run(mpirun(
      2, lodestone({"evaluate", work.run(), "--set", "evaluate.headline=verification", "--bootstrap", "0"})));
  ASSERT_EQ(verified.code, 0) << verified.err;
  EXPECT_THAT(contents(work.run() / "report.html"), HasSubstr("<dt>Ranks</dt><dd>1</dd>"));
  const std::string report = contents(work.run() / "report.html");
  EXPECT_LT(report.find("<h3>Equal error rate</h3>"), report.find("<h3>Ten-fold accuracy</h3>"));
  EXPECT_THAT(report, HasSubstr("Worst pairs"));
}

TEST(Train, ResumingIsBitIdenticalToNeverStopping) {
  const Workspace whole, parts;
  ASSERT_EQ(run(lodestone({"train", whole.config()})).code, 0);
  ASSERT_EQ(run(lodestone({"train", parts.config()})).code, 0);
  // As after a crash between step 4 and step 8: the later checkpoint is gone, the metrics are ahead of it.
  fs::remove_all(parts.run() / "checkpoints" / "step-00000008");
  const Finished resumed = run(lodestone({"train", parts.config()}));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("at step 4"));
  EXPECT_EQ(losses(parts.run()), losses(whole.run()));
  EXPECT_EQ(weights(parts.run(), "00000008"), weights(whole.run(), "00000008"));
  EXPECT_NE(weights(whole.run(), "00000004"), weights(whole.run(), "00000008"));
}

TEST(Train, ASamplerThatLearnsIsPartOfTheCheckpoint) {
  const Workspace whole, parts;
  const auto train = [](const Workspace& work, const std::string& refresh = "2") {
    return run(lodestone({"train", work.config(), "--set", "sampler.name=hard_class", "--set",
                          "sampler.hard_class.cluster=2", "--set", "sampler.hard_class.refresh=" + refresh,
                          "--set", "data.loader.depth=1"}));
  };
  ASSERT_EQ(train(whole).code, 0);
  ASSERT_EQ(train(parts).code, 0);
  fs::remove_all(parts.run() / "checkpoints" / "step-00000008");
  const Finished resumed = train(parts);
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(losses(parts.run()), losses(whole.run()));
  EXPECT_EQ(contents(parts.run() / "checkpoints/step-00000008/sampler.safetensors"),
            contents(whole.run() / "checkpoints/step-00000008/sampler.safetensors"));
  const Finished early = train(Workspace(), "1");
  EXPECT_EQ(early.code, 2);
  EXPECT_THAT(early.err, HasSubstr("hard_class.refresh"));
}

TEST(Train, ADamagedCheckpointIsNamedAndTheOneBeforeIsUsed) {
  const Workspace work;
  ASSERT_EQ(run(lodestone({"train", work.config()})).code, 0);
  const fs::path model = work.run() / "checkpoints/step-00000008/model.safetensors";
  std::string bytes = contents(model);
  bytes[bytes.size() - 5] ^= 1;
  std::ofstream(model, std::ios::binary) << bytes;
  EXPECT_EQ(run(lodestone({"inspect", work.run()})).code, 5);
  const Finished resumed = run(lodestone({"train", work.config()}));
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("model.safetensors"));
  EXPECT_THAT(resumed.err, HasSubstr("at step 4"));
}

TEST(Train, GoingBackToACheckpointSetsLaterOnesAsideOnceItFits) {
  const Workspace work;
  ASSERT_EQ(run(lodestone({"train", work.config()})).code, 0);
  const auto checkpoints = work.run() / "checkpoints";
  const std::string first = contents(checkpoints / "step-00000008" / "model.safetensors");
  const auto from_four = [&](const std::string& setting) {
    return run(lodestone(
        {"train", work.config(), "--resume", (checkpoints / "step-00000004").string(), "--set", setting}));
  };
  EXPECT_EQ(from_four("encoder.embedding=16").code, 5);
  EXPECT_TRUE(fs::exists(checkpoints / "step-00000008"));
  for (const char* number : {"1", "2"}) {
    EXPECT_EQ(from_four("optimizer.learning_rate=0.01").code, 0);
    EXPECT_TRUE(fs::exists(checkpoints / ("abandoned-step-00000008." + std::string(number)))) << number;
  }
  EXPECT_EQ(contents(checkpoints / "abandoned-step-00000008.1" / "model.safetensors"), first);
  EXPECT_NE(contents(checkpoints / "step-00000008" / "model.safetensors"), first);
  const Finished more =
      run(lodestone({"train", work.config(), "--set", "schedule.steps=9", "--set", "memory.kind=xbm"}));
  EXPECT_EQ(more.code, 5) << more.err;  // what a memory holds is not there
}

TEST(Train, WhatACheckpointHoldsInVainIsNamed) {
  const Workspace work;
  ASSERT_EQ(
      run(lodestone({"train", work.config(), "--set", "memory.kind=xbm", "--set", "memory.size=24"})).code,
      0);
  const Finished without = run(lodestone({"train", work.config(), "--set", "schedule.steps=9"}));
  EXPECT_EQ(without.code, 0) << without.err;
  EXPECT_THAT(without.err, HasSubstr("memory.safetensors has no use"));
}

TEST(Train, WhatIsCountedOverTheRunContinuesBehindARestart) {
  const Workspace work;
  for (const char* steps : {"schedule.steps=4", "schedule.steps=9"}) {
    const Finished done =
        run(lodestone({"train", work.config(), "--set", steps, "--set", "optimizer.learning_rate=1e38",
                       "--set", "on_non_finite=skip", "--set", "max_non_finite=100"}));
    ASSERT_EQ(done.code, 0) << done.err;
  }
  int64_t counted = 0;
  for (const auto& line : lines_of(work.run(), "event"))
    if (line["event"] == "non_finite") {
      EXPECT_EQ(line["count"], ++counted);
    }
  EXPECT_GT(counted, 5) << "some of them before the restart";
  const auto steps = lines_of(work.run(), "train");
  ASSERT_EQ(steps.size(), 9u);
  for (size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(steps[i]["samples"], 16 * (i + 1));
}

TEST(Train, SigtermSavesAndExits75AndTheNextRunResumes) {
  const Workspace whole, parts;
  const std::string steps = "schedule.steps=400";
  ASSERT_EQ(
      run(lodestone({"train", whole.config(), "--set", steps, "--set", "checkpoint.every_steps=0"})).code, 0);
  Process process(lodestone({"train", parts.config(), "--set", steps, "--set", "checkpoint.every_steps=0"}));
  ASSERT_TRUE(Process::until(
      60, [&] { return contents(parts.run() / "metrics.jsonl").find("\"step\":20") != std::string::npos; }));
  process.signal(SIGTERM);
  const Finished stopped = process.wait();
  ASSERT_EQ(stopped.code, 75) << stopped.err;
  EXPECT_EQ(list_checkpoints(parts.run() / "checkpoints").size(), 1u);
  EXPECT_LT(losses(parts.run()).size(), 400u);
  ASSERT_EQ(
      run(lodestone({"train", parts.config(), "--set", steps, "--set", "checkpoint.every_steps=0"})).code, 0);
  EXPECT_EQ(losses(parts.run()), losses(whole.run()));
  EXPECT_EQ(weights(parts.run(), "00000400"), weights(whole.run(), "00000400"));
}

TEST(Train, ResumeNoneMovesTheEarlierRunAside) {
  const Workspace work;
  ASSERT_EQ(run(lodestone({"train", work.config()})).code, 0);
  const Finished again = run(lodestone({"train", work.config(), "--resume", "none"}));
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(losses(work.run()).size(), 8u);
  EXPECT_TRUE(fs::exists(work.run().string() + ".1/metrics.jsonl"));
}

TEST(Train, TakesExplicitPairsAndTriplets) {
  const Workspace work;
  std::ofstream pairs(work.path("pairs.tsv")), triplets(work.path("triplets.tsv"));
  for (int c = 0; c < 8; ++c)
    for (int s = 0; s < 5; ++s) {
      const auto image = [](int label, int sample) {
        return "pictures/class" + std::to_string(label) + "/" + std::to_string(sample) + ".png";
      };
      pairs << image(c, s) << '\t' << image(c, s + 1) << "\t1\n"
            << image(c, s) << '\t' << image((c + 1) % 8, s) << "\t0\n";
      triplets << image(c, s) << '\t' << image(c, s + 1) << '\t' << image((c + 3) % 8, s) << '\n';
    }
  pairs.close();
  triplets.close();
  const auto train = [&](const std::string& file, const std::string& loss) {
    return run(lodestone({"train", work.config(), "--resume", "none", "--set", "data.train.path=", "--set",
                          "data.tuples=" + file, "--set", "sampler=", "--set", "loss.name=" + loss, "--set",
                          "global_batch=12"}));
  };
  const Finished with_pairs = train("pairs.tsv", "contrastive");
  EXPECT_EQ(with_pairs.code, 0) << with_pairs.err;
  const Finished with_triplets = train("triplets.tsv", "triplet");
  EXPECT_EQ(with_triplets.code, 0) << with_triplets.err;
  const Finished mismatch = train("pairs.tsv", "triplet");
  EXPECT_EQ(mismatch.code, 2);
  EXPECT_THAT(mismatch.err, HasSubstr("pairs with labels 0/1"));
}

TEST(VerifyGradients, HoldsForEveryLossAndMiner) {
  const Workspace work;
  const Finished verify = run(lodestone({"verify-gradients", work.config(), "--all", "--set",
                                         "batch_norm=frozen", "--json", work.path("v.json")}));
  EXPECT_EQ(verify.code, 0) << verify.out << verify.err;
  EXPECT_THAT(verify.out, HasSubstr("batch_hard"));
  const auto lines = nlohmann::json::parse(contents(work.path("v.json")));
  std::set<std::string> compared;
  for (const auto& line : lines) {
    EXPECT_EQ(line.value("equal", false), true) << line;
    compared.insert(line["what"]);
  }
  EXPECT_THAT(compared, IsSupersetOf({"encoder gradient, direct", "encoder gradient, micro-batched",
                                      "encoder gradient, canonical"}));
}

TEST(VerifyGradients, NamesThePassesThatTheConfigurationRefuses) {
  const Workspace work;
  const Finished verify =
      run(lodestone({"verify-gradients", work.config(), "--all", "--batches", "1", "--set", "exchange=ring",
                     "--set", "batch_norm=frozen", "--json", work.path("v.json")}));
  EXPECT_EQ(verify.code, 0) << verify.out << verify.err;
  EXPECT_THAT(verify.out, HasSubstr("not compared: determinism: canonical gathers all embeddings"));
  for (const auto& line : nlohmann::json::parse(contents(work.path("v.json"))))
    EXPECT_EQ(line.contains("refused"), line["what"] == "encoder gradient, canonical") << line;
}

TEST(Config, ReferenceIsTheCommittedOneAndRecipesResolve) {
  const fs::path configs = fs::path(LODESTONE_SOURCE) / "configs";
  EXPECT_EQ(run(lodestone({"config", "--reference"})).out, contents(configs / "reference.yaml"))
      << "run: build/lodestone config --reference > configs/reference.yaml";
  for (const auto& entry : fs::directory_iterator(configs)) {
    const Finished resolved = run(lodestone({"config", entry.path()}));
    EXPECT_EQ(resolved.code, 0) << entry.path() << resolved.err;
  }
  EXPECT_NO_THROW(nlohmann::json::parse(run(lodestone({"config", "--schema"})).out));
}

TEST(Doctor, ReportsWhatThisHostCanDo) {
  const Finished doctor = run(lodestone({"doctor", "--json"}));
  const auto lines = nlohmann::json::parse(doctor.out);
  EXPECT_EQ(doctor.code, 0) << doctor.out;
  EXPECT_GT(lines.size(), 5u);
  std::map<std::string, nlohmann::json> found;
  for (const auto& line : lines) found[line["what"]] = line;
  EXPECT_GT(found["cores"]["figures"]["cores"], 0);
  EXPECT_GT(found["folder: write and fsync"]["figures"]["bytes_per_second"], 1e6);
  EXPECT_LT(found["folder: rename and fsync"]["figures"]["seconds"], 60);
}

TEST(Doctor, FailsWhereARunWould) {
  const Workspace work;
  std::ofstream(work.path("file")) << "no folder";
  const Finished folder = run(lodestone({"doctor", "--folder", work.path("file/below")}));
  EXPECT_EQ(folder.code, 1) << folder.out;
  EXPECT_THAT(folder.out, HasSubstr("!! folder"));
  const TakenPort taken;
  const std::string number = std::to_string(taken.port());
  const Finished port = run(lodestone({"doctor", "--folder", work.path(""), "--port", number}));
  EXPECT_EQ(port.code, 1) << port.out;
  EXPECT_THAT(port.out, HasSubstr("!! port " + number));
  EXPECT_EQ(run(lodestone({"doctor", "--port", "0"})).code, 2);
  EXPECT_TRUE(fs::exists(work.path("file")));
  for (const auto& entry : fs::directory_iterator(work.path("")))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry;
}

}  // namespace
}  // namespace lodestone::testing
