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

/// A trained model, and an embedded gallery of its pictures.
class Output : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    work_ = new SmallRun(grey_pictures("{name: conv4, channels: [8, 8, 8], embedding: 8}"));
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
    EXPECT_THAT(full.err, HasSubstr("stdout: expected room")) << command;
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
            "30 pictures: 30 known, 0 unknown; by the names of their folders 30 of 30 right, 0 taken for "
            "somebody else, 0 not recognised: w.json\n");
  const Finished nobody =
      in_shell("$L identify --gallery g.safetensors --image grey --checkpoint run --threshold 2");
  EXPECT_EQ(std::ranges::count(nobody.out, '\n'), 30) << "without a file the lines stay";
  EXPECT_THAT(nobody.err, HasSubstr("0 of 30 right, 0 taken for somebody else, 30 not recognised"));
}

TEST_F(Output, AGalleryTellsWhatItReplaced) {
  const auto add = [](const std::string& folder) {
    return in_shell("$L gallery add people.safetensors grey/" + folder + " --name anna --checkpoint run").out;
  };
  EXPECT_THAT(add("class0"), HasSubstr("added 5 photographs, replaced 0; 1 identities"));
  EXPECT_THAT(add("class0"), HasSubstr("added 0 photographs, replaced 5; 1 identities"));
  EXPECT_THAT(add("class1"), HasSubstr("added 5 photographs, replaced 0; 1 identities"));
}

TEST_F(Output, AReportThatCannotBeWrittenIsToldAndTheMeasuresStand) {
  const Finished judged = in_shell(
      "rm -f run/report.html; mkdir run/report.html; touch run/report.html/x; $L evaluate run --bootstrap 0 "
      "--json r.json; "
      "code=$?; rm -rf run/report.html; exit $code");
  EXPECT_EQ(judged.code, 0) << judged.err;
  EXPECT_THAT(judged.err, HasSubstr("the report is not written: "));
  EXPECT_THAT(judged.out, HasSubstr("recall_at_1"));
  EXPECT_TRUE(json(path("r.json")).contains("recall_at_1"));
}

TEST_F(Output, TheModelCardHasWhatWasSet) {
  const Finished exported = in_shell("$L export run --format safetensors --output m.safetensors");
  ASSERT_EQ(exported.code, 0) << exported.err;
  const std::string card = contents(path("m.md"));
  EXPECT_THAT(card, AllOf(HasSubstr("global_batch: 16"), HasSubstr("name: \"supcon\""),
                          HasSubstr("width: 16"), Not(HasSubstr("rotation:")), Not(HasSubstr("beta1:"))));
  EXPECT_LT(std::ranges::count(card, '\n'), 90);
}

TEST_F(Output, AVocabularyThatIsNotFullSaysWhy) {
  const Finished made =
      in_shell("$L tokenizer train --input texts.tsv --columns 1 --vocabulary 4000 --output v.txt");
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.err, AllOf(HasSubstr("4000"), HasSubstr("no more tokens to make")));
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
