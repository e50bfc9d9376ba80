// One grammar for all verbs: MODEL, --input, --gallery, --output; earlier spellings; mistakes.
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "commands/small_runs.h"
#include "support/taken_port.h"

namespace lodestone::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

/// A trained model with a threshold, its embeddings, and a configuration that names its weights. `$L` is the
/// program.
class Grammar : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    work_ = new SmallRun(grey_images("{name: conv4, channels: [8, 8, 8], embedding: 8}"));
    const Finished made = shell(
        "$L train run.yaml && $L evaluate run --calibrate 0.05 --bootstrap 0 --json m.json && $L embed run "
        "--input "
        "grey --output g.safetensors && $L export run --format safetensors --output w.safetensors && mkdir "
        "other "
        "&& cp -r grey/class0 grey/class1 grey/class2 other");
    ASSERT_EQ(made.code, 0) << made.err;
    write("pretrained.yaml", kPretrained);
  }
  static void TearDownTestSuite() { delete work_; }

  static Finished shell(const std::string& line) {
    return run({"bash", "-c", "L='" LODESTONE_PROGRAM "'; cd '" + path("").string() + "' && " + line});
  }
  static fs::path path(const std::string& name) { return work_->path(name); }
  static void write(const std::string& name, const std::string& text) { std::ofstream(path(name)) << text; }
  static nlohmann::json json(const std::string& name) {
    return nlohmann::json::parse(contents(path(name)), nullptr, /*allow_exceptions=*/false);
  }

  static constexpr const char* kPretrained =
      "data:\n  image: {width: 16, height: 16, channels: 1}\nencoder: {name: conv4, channels: [8, 8, 8], "
      "embedding: 8, init_from: w.safetensors}\nevaluate: {data: {path: grey}, floor: false}\n";
  static SmallRun* work_;
};
SmallRun* Grammar::work_ = nullptr;

/// A command of an earlier version, and the same one today. `file` is what it writes; "": nothing.
struct Spellings {
  const char* old_form;
  const char* new_form;
  const char* file;
};

TEST_F(Grammar, EarlierSpellingsDoTheSame) {
  const Spellings all[] = {
      {"search --gallery g.safetensors --query grey/class0/0.png --checkpoint run -k 3 --json s.json",
       "search run --gallery g.safetensors --input grey/class0/0.png -k 3 --json s.json", "s.json"},
      {"search --gallery g.safetensors --query g.safetensors",
       "search --gallery g.safetensors --input g.safetensors", ""},
      {"identify --gallery g.safetensors --image grey/class0 --checkpoint run --json i.json",
       "identify run --gallery g.safetensors --input grey/class0 --json i.json", "i.json"},
      {"gallery add a.safetensors grey/class0 grey/class1/0.png --checkpoint run --name ada",
       "gallery add run --gallery a.safetensors --name ada --input grey/class0 grey/class1/0.png",
       "a.safetensors"},
      {"gallery add --checkpoint run a.safetensors other",
       "gallery add run --gallery a.safetensors --input other", "a.safetensors"},
      {"gallery list g.safetensors", "gallery list --gallery g.safetensors", ""},
      {"index g.safetensors --output x.index", "index --gallery g.safetensors --output x.index", "x.index"},
      {"export run --format safetensors --output e.safetensors --measures m.json",
       "export run --format safetensors --output e.safetensors --metrics m.json", "e.md"}};
  for (const Spellings& one : all) {
    const std::string remove = "rm -f s.json i.json a.safetensors x.index e.md e.safetensors && $L ";
    const Finished before = shell(remove + one.old_form);
    ASSERT_EQ(before.code, 0) << one.old_form << before.err;
    const std::string file = one.file, written = file.empty() ? "" : contents(path(file));
    EXPECT_EQ(written.empty(), file.empty()) << one.old_form;
    const Finished now = shell(remove + one.new_form);
    ASSERT_EQ(now.code, 0) << one.new_form << now.err;
    EXPECT_EQ(now.out, before.out) << one.new_form;
    EXPECT_EQ(file.empty() ? "" : contents(path(file)), written) << one.new_form;
  }
  for (const char* gallery : {"p.safetensors", "--gallery p.safetensors"}) {
    const Finished removed = shell(
        std::string("$L gallery add run --gallery p.safetensors --name ada --input grey/class0 && $L gallery "
                    "remove ") +
        gallery + " --name ada");
    EXPECT_THAT(removed.out, HasSubstr("p.safetensors: 0 identities")) << removed.err;
  }
}

TEST_F(Grammar, HelpShowsOneSpelling) {
  for (const std::string verb : {"evaluate", "embed", "search", "identify", "gallery add", "mine", "serve",
                                 "export", "inspect", "gallery list", "gallery remove", "index"}) {
    const Finished help = shell("$L " + verb + " --help");
    EXPECT_EQ(help.code, 0);
    for (const char* hidden : {"--checkpoint", "--query", "--image", "--measures", "Earlier", "inputs"})
      EXPECT_THAT(help.out, Not(HasSubstr(hidden))) << verb;
    const bool has_model = verb != "index" && verb != "gallery list" && verb != "gallery remove";
    EXPECT_EQ(help.out.find("Run folder, checkpoint, or configuration (YAML) whose encoder has weights") !=
                  std::string::npos,
              has_model)
        << verb;
    if (has_model) continue;
    EXPECT_THAT(help.out, HasSubstr("Usage: lodestone " + verb + " [OPTIONS]\n"));
  }
}

TEST_F(Grammar, NamesTheWordThatWasMeant) {
  const std::pair<const char*, const char*> all[] = {
      {"embed run --query x --output e.npy", "did you mean '--input'?"},
      {"embed run --input grey --out e.npy", "did you mean '--output'?"},
      {"embed run --input grey -o e.npy", "did you mean '--output'?"},
      {"embed run --inptu grey --output e.npy", "did you mean '--input'?"},
      {"search run --gallery g.safetensors --data grey", "did you mean '--input'?"},
      {"evaluate run --input grey", "did you mean '--data'?"},
      {"evaluate --model run", "name the model without it"},
      {"train --config run.yaml", "name the config without it"},
      {"train grey", "make a configuration of the data in it with `lodestone init --from grey`"},
      {"data show grey", "with `lodestone init --from grey`"},
      {"train run", "run/config.yaml is its resolved form"},
      {"embed run grey --output e.npy", "name what is read with --input"},
      {"train run.yaml --steps 60", "did you mean '--set schedule.steps=60'?"},
      {"train run.yaml --steps=60", "did you mean '--set schedule.steps=60'?"},
      {"train run.yaml --lr 0.1", "did you mean '--set optimizer.learning_rate=0.1'?"},
      {"train run.yaml --epochs 3", "did you mean '--set schedule.steps=…'?"},
      {"train run.yaml --run-dir runs/b", "did you mean '--set run_dir=runs/b'?"},
      {"embed --output e.npy", "model is required"},
      {"search run --gallery g.safetensors --input grey --query grey", "--input"},
      {"embed run --checkpoint run --output e.npy", "model"},
      {"gallery add people.safetensors grey/class0", "--gallery is required"},
      {"gallery add run --gallery p.safetensors --input grey --checkpoint run", "model"},
      {"search --gallery g.safetensors --input grey", "expected a model"}};
  for (const auto& [line, words] : all) {
    const Finished refused = shell(std::string("$L ") + line);
    EXPECT_EQ(refused.code, 2) << line;
    EXPECT_THAT(refused.err, HasSubstr(words)) << line;
    EXPECT_EQ(std::ranges::count(refused.err, '\n'), 1) << refused.err;
  }
}

TEST_F(Grammar, AMissingFileIsNoText) {
  const std::tuple<const char*, int, const char*> all[] = {
      {"embed run --input \"\" --output e.npy", 2, "expected a path or a text, got an empty one"},
      {"search run --gallery g.safetensors --input \"\"", 2, "expected a path or a text, got an empty one"},
      {"search run --gallery g.safetensors --query \" \"", 2, "expected a path or a text, got an empty one"}};
  for (const auto& [line, code, words] : all) {
    const Finished refused = shell(std::string("$L ") + line);
    EXPECT_EQ(refused.code, code) << line;
    EXPECT_THAT(refused.err, HasSubstr(words)) << line;
  }
}

TEST_F(Grammar, ThePortThatIsTakenIsNamedAlone) {
  const TakenPort taken;
  const Finished refused = shell("$L serve run --port " + std::to_string(taken.port()));
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("set --address or --port"));
  EXPECT_THAT(refused.err, Not(HasSubstr("--certificate")));
}

TEST_F(Grammar, NamesTheRunInPlaceOfItsConfiguration) {
  for (const char* verb : {"evaluate", "serve"}) {
    const Finished refused = shell(std::string("$L ") + verb + " run.yaml");
    EXPECT_EQ(refused.code, 2) << verb;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("name the run that was trained with it, "), HasSubstr("run\n")))
        << verb;
  }
}

TEST_F(Grammar, SaysWhichCommandIsNext) {
  const std::pair<const char*, const char*> all[] = {
      {"evaluate run --bootstrap 0", "next: `lodestone embed run --input FILES --output FILE.safetensors`"},
      {"evaluate pretrained.yaml --bootstrap 0",
       "next: `lodestone evaluate pretrained.yaml --calibrate 0.001`"},
      {"embed run --input grey --output 'next 1.safetensors'",
       "next: `lodestone search run --gallery 'next 1.safetensors' --input QUERY`"},
      {"gallery add run --gallery next.safetensors --input grey",
       "next: `lodestone identify run --gallery next.safetensors --input FILES`"},
      {"mine run --output grey/next.tsv --margin 2 --max-score 1",
       "next: `lodestone init --from grey/next.tsv`"}};
  fs::remove(path("pretrained.yaml.calibration.json"));
  for (const auto& [line, words] : all) {
    const Finished done = shell(std::string("$L ") + line);
    EXPECT_EQ(done.code, 0) << line << done.err;
    EXPECT_THAT(done.err.substr(done.err.rfind('\n', done.err.size() - 2) + 1), HasSubstr(words)) << line;
    EXPECT_THAT(done.out, Not(HasSubstr("next:"))) << line;
  }
  EXPECT_THAT(shell("$L evaluate run --bootstrap 0 --json n.json").err, Not(HasSubstr("next:")));
}

TEST_F(Grammar, IdentifiesSeveralInputsAndTellsWhoIsInTheGallery) {
  ASSERT_EQ(shell("$L gallery add run --gallery known.safetensors --input grey").code, 0);
  const Finished several = shell(
      "$L identify run --gallery known.safetensors --threshold 0 --input grey/class0 other/class1/0.png "
      "--json i.json "
      "--html i.html");
  ASSERT_EQ(several.code, 0) << several.err;
  EXPECT_EQ(json("i.json")["answers"].size(), 6U);
  EXPECT_EQ(json("i.json")["answers"][0]["query"], "grey/class0/0.png");
  EXPECT_EQ(json("i.json")["answers"][5]["query"], "other/class1/0.png");
  EXPECT_EQ(json("i.json")["in_gallery"], 5);
  EXPECT_THAT(contents(path("i.html")), HasSubstr("data:image/"));
  EXPECT_THAT(several.err, HasSubstr("5 images are in the gallery already and find themselves"));
  const Finished others = shell("$L identify run --gallery known.safetensors --threshold 0 --input other");
  EXPECT_THAT(others.err, Not(HasSubstr("find themselves")));
}

TEST_F(Grammar, AGallerySaysWhatItLacks) {
  ASSERT_EQ(shell("$L gallery add run --gallery known2.safetensors --input grey").code, 0);
  const Finished unknown = shell("$L gallery remove --gallery known2.safetensors --name clas0");
  EXPECT_EQ(unknown.code, 3);
  EXPECT_THAT(
      unknown.err,
      HasSubstr("known2.safetensors: gallery: expected an identity, got 'clas0', which it does not have; did "
                "you mean 'class0'? it has class0, class1"));
  ASSERT_EQ(shell("$L train run.yaml --set run_dir=third_run --set seed=9").code, 0);
  const Finished old = shell("$L identify third_run --gallery known2.safetensors --threshold 0 --input grey");
  EXPECT_EQ(old.code, 2);
  EXPECT_THAT(old.err, HasSubstr("`lodestone gallery add`"));
}

TEST_F(Grammar, AConfigurationWithWeightsIsAModel) {
  // Of the same weights are the same embeddings: every command takes those of the run.
  const Finished embedded = shell("$L embed pretrained.yaml --input grey --output p.safetensors");
  ASSERT_EQ(embedded.code, 0) << embedded.err;
  EXPECT_THAT(embedded.err, HasSubstr("w.safetensors: "));
  const std::string arguments = " --gallery p.safetensors --input grey/class1 -k 2 --json ";
  ASSERT_EQ(shell("$L search pretrained.yaml" + arguments + "p.json").code, 0);
  ASSERT_EQ(shell("$L search run --gallery g.safetensors --input grey/class1 -k 2 --json r.json").code, 0);
  EXPECT_EQ(json("p.json")["answers"][0]["hits"][1]["score"],
            json("r.json")["answers"][0]["hits"][1]["score"]);
  EXPECT_TRUE(json("p.json")["threshold"].is_null());

  const Finished evaluated =
      shell("$L evaluate pretrained.yaml --bootstrap 0 --calibrate 0.05 --json e.json --report e.html");
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  auto metrics = json("e.json"), of_run = json("m.json");
  EXPECT_EQ(metrics["configuration"], "pretrained.yaml");
  for (const char* key : {"configuration", "checkpoint", "step"}) metrics.erase(key), of_run.erase(key);
  EXPECT_EQ(metrics, of_run);
  EXPECT_THAT(contents(path("e.html")), HasSubstr("pretrained"));
  EXPECT_EQ(json("pretrained.yaml.calibration.json")["threshold"], json("run/calibration.json")["threshold"]);
  const Finished who = shell("$L identify pretrained.yaml --gallery p.safetensors --input grey/class3");
  EXPECT_EQ(who.code, 0) << who.err;
  EXPECT_THAT(who.err, Not(HasSubstr("other weights")));

  for (const char* line :
       {"gallery add pretrained.yaml --gallery people2.safetensors --input grey",
        "mine pretrained.yaml --output grey/hard.tsv --margin 2 --max-score 1", "inspect pretrained.yaml",
        "export pretrained.yaml --format torchscript --output p.pt"}) {
    const Finished done = shell(std::string("$L ") + line);
    EXPECT_EQ(done.code, 0) << line << done.err;
  }
  EXPECT_THAT(contents(path("p.md")), HasSubstr("with the weights that the configuration names"));
  EXPECT_FALSE(fs::exists(path("runs"))) << "nothing is trained";
}

TEST_F(Grammar, AConfigurationWithWeightsIsServed) {
  Process service(lodestone({"serve", path("pretrained.yaml"), "--port", "0", "--set",
                             "encoder.init_from=" + path("w.safetensors").string()}));
  ASSERT_TRUE(Process::until(60, [&] { return service.out().find("serving at") != std::string::npos; }))
      << service.err();
  service.signal(SIGTERM);
  EXPECT_EQ(service.wait(30).code, 0);
}

TEST_F(Grammar, AConfigurationStandsForTheWeightsThatItNames) {
  write("tuned.yaml", std::string(kPretrained) + "run_dir: run\n");
  const Finished embedded = shell("$L embed tuned.yaml --input grey --output t.npy");
  EXPECT_EQ(embedded.code, 0);
  EXPECT_THAT(embedded.err, HasSubstr("those that were trained with it are in run"));
  // A threshold of other weights is a warning.
  ASSERT_EQ(shell("$L evaluate pretrained.yaml --bootstrap 0 --calibrate 0.05").code, 0);
  const Finished other = shell(
      "$L train run.yaml --set run_dir=other_run --set seed=7 && $L export other_run --format safetensors "
      "--output v.safetensors && sed s/w.safetensors/v.safetensors/ pretrained.yaml > v.yaml && cp "
      "pretrained.yaml.calibration.json v.yaml.calibration.json && $L embed v.yaml --input grey --output "
      "v-rows.safetensors && $L identify v.yaml --gallery v-rows.safetensors --input grey/class0");
  EXPECT_EQ(other.code, 0) << other.err;
  EXPECT_THAT(other.err, HasSubstr("the threshold was set on other weights"));
}

TEST_F(Grammar, SaysWhatIsThereInPlaceOfAModel) {
  fs::create_directories(path("weights"));
  fs::copy_file(path("w.safetensors"), path("weights/model.safetensors"));
  fs::create_directories(path("begun/checkpoints"));
  write("begun/config.yaml", "seed: 1\n");
  write("empty.yaml", "");
  write("bytes.yaml", std::string("\x00\xff\xfe: [", 5));
  std::string wider = kPretrained, head = kPretrained;
  write("wider.yaml", wider.replace(wider.find("[8, 8, 8]"), 9, "[9, 8, 8]"));
  write("head.yaml", head.replace(head.find("embedding: 8"), 12, "embedding: 5, init_partial: true"));
  std::string absent = kPretrained;
  write("absent.yaml", absent.replace(absent.find("w.safetensors"), 13, "nowhere.safetensors"));
  struct {
    const char* named;
    int code;
    std::vector<std::string> words;
  } const all[] = {
      {"nowhere", 5, {"expected a run folder, a checkpoint, or a configuration", "does not exist"}},
      {"nowhere.yaml", 5, {"does not exist"}},
      {"grey", 5, {"a folder that has none, grey"}},
      {"weights", 5, {"a folder of weights", "encoder.init_from"}},
      {"begun", 5, {"a run without a checkpoint"}},
      {"g.safetensors", 5, {"a safetensors file", "encoder.init_from"}},
      {"m.json", 5, {"another file"}},
      {"run.yaml", 2, {"has weights, got conv4", "name the run that was trained with it"}},
      {"empty.yaml", 2, {"empty.yaml"}},
      {"bytes.yaml", 2, {"bytes.yaml"}},
      {"run/config.yaml", 2, {"that a run has kept", "name its folder"}},
      {"run/checkpoints/step-00000003/config.yaml", 2, {"that a run has kept"}},
      {"run/checkpoints/step-00000009", 5, {"expected one at", "step-00000003"}},
      {"wider.yaml", 2, {"theirs [8, 1, 3, 3], ours [9, 1, 3, 3]"}},
      {"head.yaml", 2, {"nothing trains it", "or choose the head and sizes"}},
      {"absent.yaml", 1, {"nowhere.safetensors"}}};
  for (const auto& one : all) {
    const Finished refused = shell(std::string("$L embed ") + one.named + " --input grey --output e.npy");
    EXPECT_EQ(refused.code, one.code) << one.named << refused.err;
    for (const std::string& words : one.words) EXPECT_THAT(refused.err, HasSubstr(words)) << one.named;
  }
  for (const char* verb :
       {"evaluate grey", "serve grey", "inspect grey", "mine grey --output x.tsv",
        "export grey --format safetensors --output x.safetensors",
        "search grey --gallery g.safetensors --input x", "identify grey --gallery g.safetensors --input grey",
        "gallery add grey --gallery x.safetensors --input grey"}) {
    const Finished refused = shell(std::string("$L ") + verb);
    EXPECT_EQ(refused.code, 5) << verb;
    EXPECT_THAT(refused.err, HasSubstr("a folder that has none, grey")) << verb;
  }
}

TEST_F(Grammar, OtherDataLeavesTheRunsOwnFilesAlone) {
  ASSERT_EQ(shell("$L evaluate run --bootstrap 0 --set threads=1").code, 0);
  const auto kept = [] {
    return contents(path("run/report.html")) + contents(path("run/metrics.jsonl")) +
           contents(path("run/calibration.json"));
  };
  const std::string before = kept();
  const Finished other = shell("$L evaluate run --data other --bootstrap 0 --json o.json");
  ASSERT_EQ(other.code, 0) << other.err;
  EXPECT_THAT(other.err, HasSubstr("report.html stays that of the run's own data; --report FILE"));
  EXPECT_EQ(json("o.json")["data"], "other");
  const Finished set = shell("$L evaluate run --set evaluate.data.path=other --bootstrap 0 --json s.json");
  ASSERT_EQ(set.code, 0) << set.err;
  EXPECT_THAT(set.err, HasSubstr("stays that of the run's own data"));
  auto with_set = json("s.json"), with_data = json("o.json");
  with_data.erase("data");
  EXPECT_EQ(with_data, with_set);
  const Finished reported = shell("$L evaluate run --data other --bootstrap 0 --report o.html");
  ASSERT_EQ(reported.code, 0) << reported.err;
  EXPECT_THAT(contents(path("o.html")), HasSubstr("</html>"));
  EXPECT_EQ(kept(), before);

  EXPECT_EQ(shell("$L evaluate run --data other --set evaluate.data.path=grey").code, 2);
  EXPECT_EQ(shell("$L evaluate run --data nowhere").code, 3);
  EXPECT_EQ(kept(), before);
  fs::remove(path("run/report.html"));
  ASSERT_EQ(shell("$L evaluate run --bootstrap 0").code, 0);
  EXPECT_THAT(contents(path("run/report.html")), HasSubstr("</html>"));
}

}  // namespace
}  // namespace lodestone::testing
