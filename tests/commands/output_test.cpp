// What commands print and write: whole, in order, whatever the names, or an exit code that says it is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "commands/small_runs.h"

namespace lodestone::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

/// By the shell, so that stdout may be a device or a pipe. `$L` is the program, `$D` the folder.
Finished shell(const SmallRun& work, const std::string& line) {
  return run(
      {"bash", "-c",
       "L='" LODESTONE_PROGRAM "'; D='" + work.path("").string() + "'; cd \"$D\" || exit 99; " + line});
}

nlohmann::json json(const fs::path& file) {
  return nlohmann::json::parse(contents(file), nullptr, /*allow_exceptions=*/false);
}

/// A trained model, and an embedded gallery of its images.
class Output : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    work_ = new SmallRun(grey_images("{name: conv4, channels: [8, 8, 8], embedding: 8}"));
    const Finished made = shell(*work_,
                                "$L train run.yaml && $L embed run --input grey --output g.safetensors && "
                                "$L evaluate run --calibrate 0.05 --bootstrap 0");
    ASSERT_EQ(made.code, 0) << made.err;
  }
  static void TearDownTestSuite() { delete work_; }

  static Finished in_shell(const std::string& line) { return shell(*work_, line); }
  static fs::path path(const std::string& name) { return work_->path(name); }

  static SmallRun* work_;
};
SmallRun* Output::work_ = nullptr;

TEST_F(Output, OnAFullDeviceFailsEveryCommandThatPrints) {
  for (const char* command :
       {"config run.yaml", "config --reference", "inspect run", "evaluate run --bootstrap 0",
        "gallery list g.safetensors", "search --gallery g.safetensors --query g.safetensors",
        "tokenizer encode --input texts.tsv --tokenizer vocab.txt", "doctor --json", "--help", "--version"}) {
    const Finished full = in_shell(std::string("$L ") + command + " > /dev/full");
    EXPECT_EQ(full.code, 1) << command << full.err;
    EXPECT_THAT(full.err, HasSubstr("stdout: expected to write")) << command;
  }
  EXPECT_EQ(in_shell("$L config run.yaml > c.yaml").code, 0);
}

TEST_F(Output, AFileOnAFullDeviceFailsTheCommand) {
  // A link, so that the device stays whatever becomes of what is written to.
  for (const char* command : {"evaluate run --bootstrap 0 --json full",
                              "search --gallery g.safetensors --query g.safetensors --json full",
                              "identify --gallery g.safetensors --image grey --checkpoint run --json full",
                              "verify-gradients run.yaml --json full"}) {
    const Finished full = in_shell(std::string("ln -sf /dev/full full; $L ") + command);
    EXPECT_EQ(full.code, 1) << command << full.err;
    EXPECT_THAT(full.err, HasSubstr("No space left on device")) << command;
    const bool evaluates = std::string(command).starts_with("evaluate");
    EXPECT_FALSE(evaluates && full.out.empty()) << "the table is printed all the same";
    EXPECT_TRUE(fs::is_symlink(path("full"))) << command;
  }
}

TEST_F(Output, JsonIsThereThoughNobodyReadsTheTable) {
  // The reader is gone before the first byte: whatever comes after what is printed, is lost.
  for (const char* command :
       {"search --gallery g.safetensors --query g.safetensors --json o.json",
        "evaluate run --bootstrap 0 --json o.json",
        "identify --gallery g.safetensors --image grey --checkpoint run --json o.json",
        "verify-gradients run.yaml --json o.json", "bench step run.yaml --steps 1 --json o.json"}) {
    const Finished closed =
        in_shell(std::string("rm -f o.json; exec 3> >(exec 0<&-; sleep 0); wait $!; $L ") + command + " >&3");
    EXPECT_FALSE(json("" + path("o.json").string()).is_discarded()) << command << closed.err;
  }
}

TEST_F(Output, OfManyQueriesIsASummaryBesideAFile) {
  const Finished table = in_shell("$L search --gallery g.safetensors --query g.safetensors -k 3");
  EXPECT_EQ(std::ranges::count(table.out, '\n'), 1 + 30 * 3);
  const Finished summary =
      in_shell("$L search --gallery g.safetensors --query g.safetensors -k 3 --json s.json --checkpoint run");
  EXPECT_THAT(summary.out, HasSubstr("30 queries, 90 answers, the first is the same for 30 queries: s.json"));
  EXPECT_EQ(std::ranges::count(summary.out, '\n'), 1);
  EXPECT_EQ(json(path("s.json"))["answers"].size(), 30u);
  const Finished who = in_shell(
      "$L identify --gallery g.safetensors --image grey --checkpoint run --threshold 0 --json w.json");
  EXPECT_EQ(who.out,
            "30 images: 30 known, 0 unknown; compared with the names of their folders, 30 of 30 right, 0 "
            "confused with another identity, 0 not recognised: w.json\n");
  const Finished nobody =
      in_shell("$L identify --gallery g.safetensors --image grey --checkpoint run --threshold 2");
  EXPECT_EQ(std::ranges::count(nobody.out, '\n'), 30) << "without a file the lines stay";
  EXPECT_THAT(nobody.err, HasSubstr("0 of 30 right, 0 confused with another identity, 30 not recognised"));
}

TEST_F(Output, AGalleryReportsWhatItReplaced) {
  const auto add = [](const std::string& folder) {
    return in_shell("$L gallery add people.safetensors grey/" + folder + " --name anna --checkpoint run").out;
  };
  EXPECT_THAT(add("class0"), HasSubstr("added 5 photographs, replaced 0; 1 identity"));
  EXPECT_THAT(add("class0"), HasSubstr("added 0 photographs, replaced 5; 1 identity"));
  EXPECT_THAT(add("class1"), HasSubstr("added 5 photographs, replaced 0; 1 identity"));
}

size_t images_of(const std::string& page) {
  size_t count = 0;
  for (size_t at = 0; (at = page.find("data:image", at)) != std::string::npos; ++at) ++count;
  return count;
}

// A gallery's file may name what lies anywhere on the host of whoever opens it.
TEST_F(Output, AGalleryShowsNoFilesButImagesOfFoldersThatAreNamed) {
  const Finished made = in_shell(
      "mkdir -p s elsewhere && cp grey/class0/0.png s/own.png && cp grey/class0/1.png elsewhere/a.png && "
      "printf '\\211PNG\\r\\n\\032\\n secret' > s/no.png && ln -sf ../elsewhere/a.png s/link.png && "
      "mkfifo s/pipe.png; cp g.safetensors s/ && sed -e \"s#class0/0.png#$D/s/own.png#; s#class0/1.png#"
      "$D/elsewhere/a.png#; s#class0/2.png#$D/s/no.png#; s#class0/3.png#$D/s/link.png#; s#class0/4.png#$D/s/"
      "pipe.png#; s#class1/0.png#/etc/passwd#; s#class1/1.png#../s/../elsewhere/a.png#\" "
      "g.safetensors.rows.jsonl > s/g.safetensors.rows.jsonl");
  ASSERT_EQ(made.code, 0) << made.err;
  const std::string search =
      "$L search --gallery s/g.safetensors --query s/g.safetensors -k 1 --html s.html ";
  const Finished alone = in_shell(search);
  ASSERT_EQ(alone.code, 0) << alone.err;
  EXPECT_EQ(images_of(contents(path("s.html"))), 2u) << "own.png as a query and as its answer";
  EXPECT_THAT(alone.err, AllOf(HasSubstr("are outside their folders"), HasSubstr("--pictures"),
                               HasSubstr("1 file can't be shown")));
  EXPECT_EQ(std::ranges::count(alone.err, '\n'), 1) << alone.err;
  ASSERT_EQ(in_shell(search + "--pictures elsewhere").code, 0);
  EXPECT_EQ(images_of(contents(path("s.html"))), 8u);
  const Finished whole = in_shell(search + "--pictures elsewhere --pictures grey --pictures /etc");
  EXPECT_THAT(whole.err, HasSubstr("2 files can't be shown"));
  EXPECT_THAT(whole.err, Not(HasSubstr("outside")));
  const Finished own = in_shell(
      "$L search --gallery g.safetensors --query grey/class0/0.png --checkpoint run -k 30 --html s.html");
  EXPECT_THAT(own.err, Not(HasSubstr("leaves images out")));
  EXPECT_EQ(images_of(contents(path("s.html"))), 31u) << "below the gallery's own folder";
}

TEST_F(Output, ASlipInTheCommandIsNamedWithTheNearest) {
  const auto refused = [](const std::string& words) {
    const Finished end = in_shell("$L " + words);
    EXPECT_EQ(end.code, 2) << words << end.err;
    EXPECT_EQ(std::ranges::count(end.err, '\n'), 1) << end.err;
    return end.err;
  };
  EXPECT_THAT(refused("trian run.yaml"),
              AllOf(::testing::StartsWith("lodestone: error: lodestone: expected a command"),
                    HasSubstr("got 'trian'; did you mean 'train'?"), HasSubstr("`lodestone --help` shows")));
  EXPECT_THAT(refused("bench lodaer run.yaml"), HasSubstr("did you mean 'loader'?"));
  EXPECT_THAT(refused("launch -- trian run.yaml"), HasSubstr("did you mean 'train'?"));
  EXPECT_THAT(refused("train run.yaml --resmue none"), HasSubstr("did you mean '--resume'?"));
  EXPECT_THAT(refused("train run.yaml --resmue=none"), HasSubstr("'--resmue'"));
  EXPECT_THAT(refused("gallery"), HasSubstr("(add, remove, list), got none"));
  EXPECT_THAT(refused("embed run"), HasSubstr("--output is required"));
  EXPECT_THAT(refused("embed run --output x.npy --batch 1"), HasSubstr("got '--batch'"));
  EXPECT_THAT(refused("\"$(printf 'tr\\033[31mian')\""), HasSubstr("'tr\\x1b[31mian'"));
  EXPECT_THAT(refused("serve run --port \"$(printf '\\033[2J')\""), Not(HasSubstr("\033")));
  const Finished json_line = in_shell("LODESTONE_LOG_FORMAT=json $L trian");
  EXPECT_EQ(json_line.code, 2);
  EXPECT_EQ(nlohmann::json::parse(json_line.err)["level"], "error") << json_line.err;
  EXPECT_EQ(in_shell("$L train --help").code, 0);
  EXPECT_EQ(in_shell("$L launch -- train --help").code, 0);
}

// Whoever starts the ranks. On several hosts each host tells it, since its file may be what is missing.
TEST_F(Output, WhatAllRanksOfAHostFindIsReportedOnce) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"train", path("nowhere.yaml").string()},
        {"trian", path("nowhere.yaml").string()}}) {
    std::vector<std::string> command = {MPIRUN_PROGRAM, "-n", "3", "--oversubscribe", LODESTONE_PROGRAM};
    command.insert(command.end(), words.begin(), words.end());
    const Finished ranks = run(command);
    EXPECT_NE(ranks.code, 0);
    EXPECT_NE(ranks.err.find("lodestone: error"), std::string::npos) << ranks.err;
    EXPECT_EQ(ranks.err.find("lodestone: error"), ranks.err.rfind("lodestone: error")) << ranks.err;
  }
}

// The one that speaks for its host may be well, or gone: what nobody else says is said all the same.
TEST_F(Output, WhatOneRankAloneFindsIsReported) {
  for (const char* variables : {"OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=0 "
                                "OMPI_COMM_WORLD_LOCAL_SIZE=2",
                                "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1 "
                                "OMPI_COMM_WORLD_LOCAL_SIZE=2",
                                "PMI_RANK=1 PMI_SIZE=2 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=2"}) {
    const Finished end = in_shell("env " + std::string(variables) + " $L train nowhere.yaml");
    EXPECT_EQ(end.code, 2) << variables;
    EXPECT_THAT(end.err, HasSubstr("nowhere.yaml")) << variables;
  }
}

TEST_F(Output, ARunThatIsDoneSaysHowToGoOn) {
  const Finished again = in_shell("$L train run.yaml");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.err, AllOf(HasSubstr("the run is done: step "), HasSubstr("--set schedule.steps="),
                               HasSubstr("1 rank (local)"), HasSubstr("--resume none")));
}

TEST_F(Output, WhatIsNotThereIsNoDamage) {
  const Finished nothing = in_shell("$L evaluate runs/nope");
  EXPECT_EQ(nothing.code, 5);
  EXPECT_THAT(nothing.err, AllOf(HasSubstr("which does not exist"), Not(HasSubstr("--resume"))));
  const Finished removed = in_shell("$L evaluate run/checkpoints/step-00000001");
  EXPECT_EQ(removed.code, 5);
  EXPECT_THAT(removed.err, AllOf(HasSubstr("removed"), HasSubstr("keep_last"),
                                 HasSubstr("name another: step-000"), Not(HasSubstr("damaged"))));
  EXPECT_THAT(in_shell("$L inspect run/checkpoints/step-00000001").err, HasSubstr("which does not exist"));
  EXPECT_THAT(in_shell("mkdir -p empty; $L evaluate empty").err,
              HasSubstr("got a folder that has none, empty; name the folder of a run"));
}

TEST_F(Output, AReportThatCannotBeWrittenIsLoggedAndTheMetricsStand) {
  const Finished evaluated = in_shell(
      "rm -f run/report.html; mkdir run/report.html; touch run/report.html/x; $L evaluate run --bootstrap 0 "
      "--json r.json; "
      "code=$?; rm -rf run/report.html; exit $code");
  EXPECT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_THAT(evaluated.err, HasSubstr("the report is not written: "));
  EXPECT_THAT(evaluated.out, HasSubstr("recall_at_1"));
  EXPECT_TRUE(json(path("r.json")).contains("recall_at_1"));
}

// Three results, of which none needs another.
TEST_F(Output, JsonThatCannotBeWrittenCostsNeitherThresholdNorReport) {
  const Finished evaluated = in_shell(
      "rm -f run/report.html run/calibration.json; $L evaluate run --bootstrap 0 --calibrate 0.1 "
      "--json nowhere/o.json");
  EXPECT_EQ(evaluated.code, 1) << evaluated.err;
  EXPECT_THAT(evaluated.err, HasSubstr("nowhere/o.json"));
  EXPECT_THAT(evaluated.out, HasSubstr("recall_at_1"));
  EXPECT_TRUE(fs::exists(path("run/report.html")));
  EXPECT_TRUE(fs::exists(path("run/calibration.json")));
}

TEST_F(Output, AFileBehindALinkIsReplacedAndTheLinkStays) {
  for (const char* command :
       {"evaluate run --bootstrap 0 --json link", "export run --format safetensors --output link --card c.md",
        "export run --format torchscript --output link --card c.md"}) {
    const Finished done = in_shell(std::string("echo old > real; ln -sf real link; $L ") + command);
    EXPECT_EQ(done.code, 0) << command << done.err;
    EXPECT_TRUE(fs::is_symlink(path("link"))) << command;
    EXPECT_GT(fs::file_size(path("real")), 100u) << command;
  }
}

TEST_F(Output, TheModelCardHasWhatWasSet) {
  const Finished exported = in_shell("$L export run --format safetensors --output m.safetensors");
  ASSERT_EQ(exported.code, 0) << exported.err;
  const std::string card = contents(path("m.md"));
  EXPECT_THAT(card, AllOf(HasSubstr("global_batch: 16"), HasSubstr("name: \"supcon\""),
                          HasSubstr("width: 16"), Not(HasSubstr("rotation:")), Not(HasSubstr("beta1:"))));
  EXPECT_LT(std::ranges::count(card, '\n'), 100);
}

TEST_F(Output, AVocabularyThatIsNotFullSaysWhy) {
  const Finished made =
      in_shell("$L tokenizer train --input texts.tsv --columns 1 --vocabulary 4000 --output v.txt");
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.err, AllOf(HasSubstr("fewer than the 4000"), HasSubstr("no more tokens can be made")));
}

TEST_F(Output, AVocabularyThatIsNotTrainedStaysAndIsNotSaidToBeReplaced) {
  const std::string train = "$L tokenizer train --input texts.tsv --output kept.txt --columns ";
  ASSERT_EQ(in_shell(train + "1").code, 0);
  const std::string before = contents(path("kept.txt"));
  const Finished failed = in_shell(train + "9");
  EXPECT_NE(failed.code, 0);
  EXPECT_THAT(failed.err, Not(HasSubstr("kept.txt: replace")));
  EXPECT_EQ(contents(path("kept.txt")), before);
  EXPECT_THAT(in_shell(train + "1").err, HasSubstr("kept.txt: replaced the file of this name"));
}

TEST_F(Output, ATokenizerOptionWithoutEffectIsRefused) {
  const Finished refused = in_shell(
      "$L tokenizer train --input texts.tsv --columns 1 --kind sentencepiece --cased --output s.model");
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--cased with --kind wordpiece alone"));
  EXPECT_FALSE(fs::exists(path("s.model")));
}

TEST_F(Output, AVocabularyIsTrainedWithoutBadLinesWhereTheUserSaysSo) {
  const std::string train =
      "printf 'one two three\\n\\377\\none two\\n' > bad.txt; $L tokenizer train --input bad.txt "
      "--vocabulary 20 "
      "--output b.txt";
  const Finished failed = in_shell(train);
  EXPECT_EQ(failed.code, 3);
  EXPECT_THAT(failed.err, HasSubstr("bad.txt:2"));
  const Finished made = in_shell(train + " --on-bad-record skip");
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.err, AllOf(HasSubstr("left out 1 line without a row"), HasSubstr("bad.txt:2")));
  const Finished many = in_shell(
      "cat bad.txt bad.txt > more.txt; $L tokenizer train --input more.txt --output c.txt "
      "--on-bad-record skip --max-bad-fraction 0.2");
  EXPECT_EQ(many.code, 3);
  EXPECT_THAT(many.err, AllOf(HasSubstr("at most 1 of 6"), HasSubstr("more.txt:5")));
  EXPECT_FALSE(fs::exists(path("c.txt")));
}

TEST_F(Output, AFileOfAnotherKindIsNamed) {
  for (const char* command : {"search --gallery o.npy --query g.safetensors", "index o.npy --output o",
                              "search --gallery g.safetensors --query o.npy.safetensors",
                              "search --gallery g.safetensors --query g.safetensors --index o.npy"}) {
    const Finished refused = in_shell(
        "$L embed run --input grey --output o.npy > /dev/null && cp o.npy "
        "o.npy.safetensors; $L " +
        std::string(command));
    EXPECT_EQ(refused.code, 3) << command;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("got a NumPy array (*.npy)"), Not(HasSubstr("damaged"))));
  }
  const Finished swapped = in_shell(
      "$L index g.safetensors --output g.index > /dev/null; $L search --gallery g.index "
      "--query g.safetensors");
  EXPECT_THAT(swapped.err, HasSubstr("got an index of `lodestone index`"));
  for (const char* command : {"inspect g.safetensors", "evaluate g.safetensors"})
    EXPECT_THAT(in_shell("$L " + std::string(command)).err, HasSubstr("file")) << command;
}

TEST_F(Output, MinedNamesAreThoseThatAListCanHold) {
  const Finished refused = in_shell(
      "cp -r grey odd; mv odd/class0/0.png \"$(printf 'odd/class0/a\\tb.png')\"; $L mine run --input odd "
      "--output "
      "odd.tsv --margin 1 --max-score 1 --per-anchor 20");
  EXPECT_EQ(refused.code, 3);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("odd/class0/a\\tb.png"), HasSubstr("rename the file")));
  EXPECT_FALSE(fs::exists(path("odd.tsv")));
}

// é in Latin-1, as old archives have it.
TEST_F(Output, NamesThatAreNotUtf8CostNothing) {
  const Finished made = in_shell(
      "set -e; n=$(printf 'caf\\xe9'); m=$(printf 'caf\\xea'); mkdir -p latin; cp -r grey/class0 "
      "\"latin/$n\"; cp -r "
      "grey/class1 \"latin/$m\"; cp -r grey/class2 latin/plain; cp -r latin \"$n\"; cp run.yaml \"$n.yaml\"\n"
      "$L train \"$n.yaml\" --set run_dir= --set data.train.path=latin --set evaluate.data.path=latin --set "
      "global_batch=12\n"
      "R=\"runs/$n\"; $L evaluate \"$R\" --bootstrap 0 --json e.json; $L inspect \"$R\"\n"
      "$L embed \"$R\" --input \"$n\" --output n.safetensors; $L embed \"$R\" --input \"$n\" --output "
      "n.jsonl\n"
      "$L search --gallery n.safetensors --query n.safetensors --json s.json --html s.html\n"
      "$L search --gallery n.safetensors --query \"$n/plain/0.png\" --checkpoint \"$R\" --json q.json\n"
      "for i in 1 2; do $L gallery add n-people.safetensors \"$n\" --checkpoint \"$R\"; done; $L gallery "
      "list "
      "n-people.safetensors --json > l.json\n"
      "$L identify --gallery n-people.safetensors --image \"$n\" --checkpoint \"$R\" --threshold 0 --json "
      "i.json\n"
      "$L mine \"$R\" --input \"$n\" --output \"$n/hard.tsv\" --margin 2 --max-score 1\n"
      "$L export \"$R\" --format safetensors --output n-model.safetensors");
  EXPECT_EQ(made.code, 0) << made.err;
  for (const char* file : {"e.json", "s.json", "q.json", "i.json", "l.json"})
    EXPECT_FALSE(json(path(file)).is_discarded()) << file;
  EXPECT_EQ(json(path("l.json")).size(), 3u) << "two names that differ in a bad byte are two";
  EXPECT_THAT(made.out, HasSubstr("added 0 photographs, replaced 15; 3 identities"));
}

}  // namespace
}  // namespace lodestone::testing
