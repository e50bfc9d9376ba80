// Every mistake a user can make gets a message that names the place and the remedy, and the documented exit
// code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/mount.h>
#include <sys/stat.h>

#include "support/program.h"
#include "support/taken_port.h"

namespace lodestone::testing {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Not;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

class BadInput : public ::testing::Test {
 protected:
  Finished train(const std::vector<std::string>& sets = {}) {
    auto command = lodestone({"train", work_.config()});
    for (const auto& assignment : sets) command.insert(command.end(), {"--set", assignment});
    return run(command, 60);
  }
  void expect(const Finished& got, int code, const std::vector<std::string>& words) {
    EXPECT_EQ(got.code, code) << got.err;
    for (const auto& word : words) EXPECT_THAT(got.err, HasSubstr(word));
  }
  Workspace work_;
};

TEST_F(BadInput, MissingConfigurationFile) {
  expect(run(lodestone({"train", "/nowhere/run.yaml"})), 2, {"/nowhere/run.yaml", "cannot open"});
}

TEST_F(BadInput, NoCommandOrAnUnknownOption) {
  EXPECT_EQ(run(lodestone({})).code, 2);
  EXPECT_EQ(run(lodestone({"train", "x.yaml", "--no-such-option"})).code, 2);
  EXPECT_EQ(run(lodestone({"--help"})).code, 0);
}

TEST_F(BadInput, YamlTypo) {
  work_.write_config("losss: {name: triplet}\n");
  expect(train(), 2, {"run.yaml:", "losss", "did you mean 'loss'?"});
  expect((work_.write_config(""), train({"loss.margn=1"})), 2, {"loss.margn", "did you mean 'margin'?"});
}

TEST_F(BadInput, MissingFolder) {
  expect(train({"data.train.path=absent"}), 3, {"absent"});
}

TEST_F(BadInput, EmptyFolder) {
  fs::create_directories(work_.path("empty"));
  expect(train({"data.train.path=empty"}), 3, {"empty"});
}

TEST_F(BadInput, AClassWithOneImageWhereKIsFour) {
  fs::create_directories(work_.path("pictures/lonely"));
  fs::copy(work_.path("pictures/class0/0.png"), work_.path("pictures/lonely/0.png"));
  expect(train(), 3, {"lonely", "samples_per_class"});
}

TEST_F(BadInput, TruncatedTar) {
  Tar tar;
  for (int c = 0; c < 4; ++c)
    for (int s = 0; s < 4; ++s)
      tar.add_sample("k" + std::to_string(4 * c + s), drawn_image(c, s), "c" + std::to_string(c));
  const std::string whole = tar.finished();
  write_bytes(work_.path("shard.tar"), whole);
  EXPECT_EQ(train({"data.train.path=shard.tar"}).code, 0);
  write_bytes(work_.path("cut.tar"), whole.substr(0, whole.size() / 2 + 100));
  expect(train({"data.train.path=cut.tar"}), 3, {"cut.tar"});
}

TEST_F(BadInput, BrokenPng) {
  const fs::path victim = work_.path("pictures/class3/2.png");
  const std::string bytes = contents(victim);
  write_bytes(victim, bytes.substr(0, bytes.size() / 2));
  expect(train(), 3, {"class3/2.png"});
  fs::remove_all(work_.run());
  EXPECT_EQ(train({"data.loader.on_bad_record=skip", "data.loader.max_bad_fraction=0.5"}).code, 0);
}

TEST_F(BadInput, GlobalBatchNotDivisible) {
  expect(train({"global_batch=15"}), 2, {"global_batch", "15", "4"});
}

TEST_F(BadInput, MoreClassesThanThereAre) {
  expect(train({"global_batch=400"}), 3, {"100", "8"});
}

TEST_F(BadInput, PortInUse) {
  const TakenPort taken;
  const std::string port = std::to_string(taken.port());
  expect(train({"metrics.port=" + port}), 2, {port});
}

TEST_F(BadInput, NoWritePermission) {
  // Root may write anywhere, so the folder lies below a regular file.
  expect(train({"run_dir=" + work_.path("pictures/class0/0.png/run").string()}), 1, {"0.png/run"});
}

TEST_F(BadInput, FullDiskKeepsTrainingAndSaysSo) {
  const fs::path disk = work_.path("disk");
  fs::create_directories(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "a small file system to fill needs the right to mount one";
  const Finished got = train({"run_dir=" + (disk / "run").string()});
  ::umount(disk.c_str());
  // Training ended, but its checkpoint is not there: that must not look like success.
  expect(got, 1, {"not saved", "No space left", "free space"});
}

TEST_F(BadInput, UnusableCheckpoint) {
  expect(run(lodestone({"evaluate", work_.path("pictures")})), 5, {"pictures"});
  expect(run(lodestone({"train", work_.config(), "--resume", work_.path("nothing")})), 5, {"nothing"});
}

TEST_F(BadInput, ResumingWithAnotherEncoderSaysWhich) {
  ASSERT_EQ(train().code, 0);
  expect(train({"encoder.embedding=9", "schedule.steps=12"}), 5, {"head", "--resume none"});
}

TEST_F(BadInput, AnAbsentBackendIsNamed) {
  expect(train({"distributed.backend=nccl"}), 2, {"nccl"});
}

TEST_F(BadInput, ABadImageInTheEvaluationIsNeverReplaced) {
  fs::copy(work_.path("pictures"), work_.path("evaluated"), fs::copy_options::recursive);
  const fs::path victim = work_.path("evaluated/class2/1.png");
  write_bytes(victim, contents(victim).substr(0, 40));
  expect(train({"evaluate.data.path=evaluated"}), 3, {"class2/1.png"});
  expect(train({"data.loader.on_bad_record=skip", "evaluate.data.path=evaluated", "evaluate.every=3",
                "run_dir=" + work_.path("skipped").string()}),
         0, {"class2/1.png", "evaluation: left out 1 of 48 samples, which could not be read"});
  EXPECT_THAT(contents(work_.path("skipped/metrics.jsonl")), HasSubstr("\"left_out\":1"));
}

TEST_F(BadInput, EvaluationAndEmbeddingLeaveTheSameOutOnAnyNumberOfRanks) {
  ASSERT_EQ(train({"data.loader.on_bad_record=skip"}).code, 0);
  fs::copy(work_.path("pictures"), work_.path("evaluated"), fs::copy_options::recursive);
  for (const char* name : {"evaluated/class0/0.png", "evaluated/class7/5.png"})
    write_bytes(work_.path(name), contents(work_.path(name)).substr(0, 40));
  std::vector<std::string> measured;
  for (const int ranks : {1, 2}) {
    const std::string suffix = std::to_string(ranks);
    const auto start = [&](const std::vector<std::string>& words) {
      auto command = lodestone(words);
      for (const char* set : {"data.loader.on_bad_record=skip", "data.loader.max_bad_fraction=0.1"})
        command.insert(command.end(), {"--set", set});
      return run(ranks == 1 ? command : mpirun(ranks, command));
    };
    const std::string json = work_.path("j" + suffix), npy = work_.path(suffix + ".npy");
    const Finished evaluated = start({"evaluate", work_.run(), "--set", "evaluate.data.path=evaluated",
                                      "--set", "evaluate.floor=false", "--bootstrap", "0", "--json", json});
    expect(evaluated, 0, {"class0/0.png", "class7/5.png", "2 of 48 samples"});
    measured.push_back(contents(json));
    EXPECT_THAT(measured.back(), HasSubstr("\"left_out\": 2"));
    const Finished embedded =
        start({"embed", work_.run(), "--input", work_.path("evaluated"), "--output", npy});
    expect(embedded, 0, {"class0/0.png", "class7/5.png"});
    EXPECT_THAT(embedded.out, HasSubstr("46 embeddings of width"));
    EXPECT_THAT(embedded.out, HasSubstr("2 bad records left out"));
    EXPECT_THAT(contents(npy), HasSubstr("'shape': (46,"));
  }
  EXPECT_EQ(measured[0], measured[1]);
  EXPECT_EQ(contents(work_.path("1.npy.rows.jsonl")), contents(work_.path("2.npy.rows.jsonl")));
  // More than may be: as many on all ranks together as the limit is on.
  const auto too_many = lodestone({"evaluate", work_.run(), "--set", "evaluate.data.path=evaluated", "--set",
                                   "data.loader.on_bad_record=skip"});
  expect(run(too_many), 3, {"at most 1 of 48"});
  expect(run(mpirun(2, too_many)), 3, {"at most 1 of 48"});
}

TEST_F(BadInput, EveryRanksSkippedRecordsAreReportedByTheFirst) {
  for (const char* name : {"pictures/class1/2.png", "pictures/class6/3.png"})
    write_bytes(work_.path(name), contents(work_.path(name)).substr(0, 40));
  const auto command = [&](const char* limit) {
    return mpirun(
        2, lodestone({"train", work_.config(), "--set", "data.loader.on_bad_record=skip", "--set",
                      std::string("data.loader.max_bad_fraction=") + limit, "--set", "schedule.steps=12"}));
  };
  expect(run(command("0.05")), 0, {"class1/2.png", "class6/3.png"});
  const std::string log = contents(work_.run() / "metrics.jsonl");
  EXPECT_THAT(log, AllOf(HasSubstr("class1/2.png"), HasSubstr("class6/3.png"), HasSubstr("\"count\":2")));
  fs::remove_all(work_.run());
  // Each rank may have met one only: the limit is on both.
  expect(run(command("0.01")), 3, {"at most 1 of 48"});
}

TEST_F(BadInput, SearchAndMiningLeaveOutWhatCannotBeRead) {
  ASSERT_EQ(train().code, 0);
  write_bytes(work_.path("pictures/class1/2.png"), "no image");
  const std::vector<std::string> skip = {"--set", "data.loader.on_bad_record=skip"};
  const auto start = [&](std::vector<std::string> words) {
    words.insert(words.end(), skip.begin(), skip.end());
    return run(lodestone(words));
  };
  const std::string gallery = work_.path("g.safetensors"), json = work_.path("s.json");
  ASSERT_EQ(start({"embed", work_.run(), "--input", work_.path("pictures"), "--output", gallery}).code, 0);
  expect(start({"search", "--gallery", gallery, "--checkpoint", work_.run(), "--query",
                work_.path("pictures/class1"), "-k", "1", "--json", json}),
         0, {"class1/2.png"});
  const auto found = nlohmann::json::parse(contents(json));
  EXPECT_EQ(found["left_out"], 1);
  ASSERT_EQ(found["answers"].size(), 5U);
  EXPECT_EQ(found["answers"][2]["query"], "3.png");
  EXPECT_EQ(found["answers"][2]["hits"][0]["id"], "class1/3.png");
  const std::string list = work_.path("hard.tsv");
  const Finished mined = start({"mine", work_.run(), "--input", work_.path("pictures"), "--output", list,
                                "--margin", "2", "--max-score", "1"});
  expect(mined, 0, {});
  EXPECT_THAT(mined.out, HasSubstr("47 samples; 1 bad record left out"));
  std::istringstream lines(contents(list));
  for (std::string anchor, positive, negative; lines >> anchor >> positive >> negative;) {
    EXPECT_EQ(fs::path(anchor).parent_path(), fs::path(positive).parent_path());
    EXPECT_NE(fs::path(anchor).parent_path(), fs::path(negative).parent_path());
    EXPECT_THAT(anchor + positive + negative, ::testing::Not(HasSubstr("class1/2.png")));
  }
}

TEST_F(BadInput, AFifoAmongImagesHoldsNothingUp) {
  ASSERT_EQ(::mkfifo(work_.path("pictures/class0/pipe.png").c_str(), 0600), 0);
  ASSERT_EQ(train().code, 0);
  expect(run(lodestone({"embed", work_.run(), "--input", work_.path("pictures/class0"), "--output",
                        work_.path("x.npy")}),
             60),
         0, {"1 entry of the kind device, FIFO or socket", "pipe.png"});
  EXPECT_EQ(run(lodestone({"embed", work_.run(), "--input", work_.path("pictures/class0/pipe.png"),
                           "--output", work_.path("y.npy")}),
                60)
                .code,
            3);
}

TEST_F(BadInput, SkippedRecordsAreNamed) {
  const fs::path victim = work_.path("pictures/class3/2.png");
  write_bytes(victim, contents(victim).substr(0, 40));
  expect(train({"data.loader.on_bad_record=skip", "data.loader.max_bad_fraction=0.5"}), 0,
         {"skipped a bad record", "class3/2.png"});
}

TEST_F(BadInput, ARunFolderInUseIsRefused) {
  Process first(lodestone(
      {"train", work_.config(), "--set", "schedule.steps=1000000", "--set", "checkpoint.every_steps=0"}));
  ASSERT_TRUE(Process::until(60, [&] { return fs::exists(work_.run() / "metrics.jsonl"); }));
  expect(train(), 1, {"another process"});
}

TEST_F(BadInput, VerifyGradientsFailsOnNumbersThatAreNone) {
  EXPECT_EQ(run(lodestone({"verify-gradients", work_.config(), "--set", "data.image.std=[1e-300]"})).code, 1);
  EXPECT_EQ(run(lodestone({"verify-gradients", work_.config(), "--batches", "0"})).code, 2);
}

TEST_F(BadInput, SettingsThatWouldBeIgnoredAreRefused) {
  expect(train({"loss.swap=true", "miner.name=all"}), 2, {"swap"});
  expect(train({"evaluate.one_shot_runs=x"}), 2, {"evaluate.data.path"});
}

TEST_F(BadInput, AddressesAreNoPathsWhereverOneIsReadOrWritten) {
  const std::string address = "s3://bucket/x", run_folder = work_.run(), config = work_.config();
  for (const char* key : {"run_dir", "data.root", "data.train.path", "data.tuples", "evaluate.data.path",
                          "data.train.index_cache", "encoder.init_from", "metrics.password_file",
                          "metrics.certificate", "metrics.targets_file"})
    expect(run(lodestone({"config", config, "--set", "data.train.path=x.tar", "--set", "metrics.port=9",
                          "--set", "metrics.user=ali", "--set", std::string(key) + "=" + address})),
           2, {key, address, "copy or mount"});
  expect(run(lodestone({"config", config, "--set", "data.train.mixture=[a, \"s3://bucket/x\"]"})), 2,
         {"mixture", address});
  const std::vector<std::vector<std::string>> commands = {
      {"train", address},
      {"train", config, "--resume", address},
      {"launch", "--hostfile", address, "--", "train", config},
      {"launch", "--", "train", address},
      {"evaluate", address},
      {"evaluate", run_folder, "--json", address},
      {"embed", address, "--output", "x.npy"},
      {"embed", run_folder, "--input", address, "--output", "x.npy"},
      {"embed", run_folder, "--output", address},
      {"search", "--gallery", address, "--query", "x"},
      {"search", "--gallery", config, "--query", address},
      {"search", "--gallery", config, "--query", "x", "--html", address},
      {"index", address, "--output", "x"},
      {"gallery", "add", address, "x.png", "--checkpoint", run_folder},
      {"gallery", "add", "x", address, "--checkpoint", run_folder},
      {"gallery", "list", address},
      {"identify", "--gallery", config, "--image", address, "--checkpoint", run_folder},
      {"mine", run_folder, "--output", address},
      {"serve", run_folder, "--token-file", address},
      {"export", run_folder, "--format", "safetensors", "--output", address},
      {"inspect", address},
      {"config", address},
      {"verify-gradients", address},
      {"plan", config, "--json", address},
      {"doctor", "--folder", address},
      {"data", "wordnet", "--output", address},
      {"tokenizer", "train", "--input", address, "--output", "x"},
      {"tokenizer", "train", "--input", config, "--output", address},
      {"bench", "loader", address}};
  for (const auto& command : commands) expect(run(lodestone(command)), 2, {address, "copy or mount"});
}

TEST_F(BadInput, TextsOfUsersAreNoTroubleToTheFileSystem) {
  const std::string name(300, 'x');
  expect(train({"data.train.path=" + name}), 3, {name});
  expect(run(lodestone({"evaluate", name})), 5, {name});
  expect(run(lodestone({"inspect", name})), 5, {name});
  fs::create_symlink("loop", work_.path("loop"));
  expect(train({"data.train.path=loop"}), 3, {"loop"});
  std::ofstream(work_.path("hosts")) << "localhost slots=1\n";
  expect(run({"env", "TMPDIR=/nowhere/tmp", LODESTONE_PROGRAM, "launch", "--hostfile", work_.path("hosts"),
              "--", "config"}),
         1, {"TMPDIR=/nowhere/tmp"});
}

TEST_F(BadInput, PathsThatCannotBeAreRefusedInALineAndItsCause) {
  std::string deep;
  for (int n = 0; n < 40; ++n) deep += std::string(200, 'd') + "/";
  std::ofstream(work_.path("file")) << "a text\n";
  fs::create_symlink("loop", work_.path("loop"));
  fs::create_symlink("nowhere", work_.path("dangling"));
  const std::string file = work_.path("file");
  const std::vector<std::string> paths = {
      std::string(5000, 'a'),   file + "/x",   work_.path("loop/x"), deep + "x",
      work_.path("dangling/x"), "/dev/null/x", "a\nb/\x1b[31mc",     std::string(256, 'b')};
  for (size_t n = 0; n < paths.size(); ++n) {
    const std::vector<Words> commands = {
        {"inspect", paths[n]},
        {"tokenizer", "train", "--input", file, "--vocabulary", "40", "--output", paths[n]},
        {"launch", "-n", "1", "--hostfile", paths[n], "--", "config"},
        {"config", paths[n]}};
    const Words& command = commands[n % commands.size()];
    const Finished done = run(lodestone(command));
    EXPECT_THAT(done.code, AllOf(Ge(1), Le(5))) << command[0] << paths[n] << done.err;
    // One line, and one for its cause.
    const auto causes = done.err.find("\n  because: ") == std::string::npos ? 0 : 1;
    EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1 + causes) << done.err;
    EXPECT_THAT(done.err, AllOf(HasSubstr("error: "), Not(HasSubstr("filesystem error")))) << command[0];
  }
}

TEST_F(BadInput, AHomeFolderIsExpandedAndANameKeptWhole) {
  const std::string home = work_.path("home").string();
  const Finished got = run({"env", "HOME=" + home, LODESTONE_PROGRAM, "config", work_.config(), "--set",
                            "run_dir=~/take #2", "--set", "normalize=True"});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.out, AllOf(HasSubstr("run_dir: \"" + home + "/take #2\"\n"), HasSubstr("normalize: true")));
}

}  // namespace
}  // namespace lodestone::testing
