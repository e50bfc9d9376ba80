// A trained model at work: embed, search, galleries, mining.
#include <iterator>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/images.h"
#include "support/program.h"
#include "support/texts.h"

namespace lodestone::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// A model trained once for all tests here.
class Use : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    work_ = new Workspace;
    work_->write_config("evaluate: {data: {path: pictures}, floor: false}\n");
    const Finished train = run(lodestone({"train", work_->config()}));
    ASSERT_EQ(train.code, 0) << train.err;
    const Finished evaluate = run(lodestone({"evaluate", work_->run(), "--calibrate", "0.05"}));
    ASSERT_EQ(evaluate.code, 0) << evaluate.err;
    ASSERT_EQ(embed("gallery.safetensors").code, 0);
  }
  static void TearDownTestSuite() { delete work_; }

  static Finished embed(const std::string& output, int ranks = 1) {
    const auto command =
        lodestone({"embed", work_->run(), "--input", path("pictures"), "--output", path(output)});
    return run(ranks == 1 ? command : mpirun(ranks, command));
  }
  static std::string path(const std::string& name) { return work_->path(name); }
  static nlohmann::json json(const std::string& name) { return nlohmann::json::parse(contents(path(name))); }

  static Workspace* work_;
};
Workspace* Use::work_ = nullptr;

int64_t images_in(const std::string& page) {
  static const std::regex kImage("<img src=\"data:image/(png|webp);base64,");
  return std::distance(std::sregex_iterator(page.begin(), page.end(), kImage), std::sregex_iterator());
}

std::vector<fs::path> sorted_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

TEST_F(Use, RanksEmbedWhatOneProcessEmbeds) {
  const Finished three = embed("three.safetensors", 3);
  ASSERT_EQ(three.code, 0) << three.err;
  EXPECT_EQ(contents(path("three.safetensors.rows.jsonl")), contents(path("gallery.safetensors.rows.jsonl")));
  // Row by row the nearest is the row itself, at a score of 1: batches of another size round otherwise.
  const Finished search =
      run(lodestone({"search", "--gallery", path("gallery.safetensors"), "--query", path("three.safetensors"),
                     "-k", "1", "--json", path("three.json")}));
  ASSERT_EQ(search.code, 0) << search.err;
  const auto answers = json("three.json")["answers"];
  ASSERT_EQ(answers.size(), 48U);
  for (const auto& answer : answers) {
    EXPECT_EQ(answer["hits"][0]["id"], answer["query"]);
    EXPECT_NEAR(answer["hits"][0]["score"], 1, 1e-5);
    EXPECT_TRUE(answer["hits"][0]["same"].is_null());
  }
}

TEST_F(Use, AnIndexGivesTheScoresOfExactSearchAndIsRefusedForOtherRows) {
  const Finished index =
      run(lodestone({"index", path("gallery.safetensors"), "--output", path("gallery.index")}));
  ASSERT_EQ(index.code, 0) << index.err;
  EXPECT_THAT(index.out, AllOf(HasSubstr("hnsw of 48 rows"), HasSubstr("128\t100.0 %")));
  const auto search = [](std::vector<std::string> more) {
    const std::string rows = path("gallery.safetensors");
    std::vector<std::string> words = {"search", "--gallery", rows, "--query", rows, "-k", "5"};
    words.insert(words.end(), more.begin(), more.end());
    return run(lodestone(words));
  };
  const Finished near = search({"--index", path("gallery.index"), "--effort", "200"}), exact = search({});
  ASSERT_EQ(near.code, 0) << near.err;
  EXPECT_EQ(near.out, exact.out);
  EXPECT_EQ(search({"--effort", "200"}).code, 2);
  EXPECT_EQ(
      run(lodestone({"index", path("gallery.safetensors"), "--kind", "ivf-pq", "--output", path("x.index")}))
          .code,
      2);
  const Finished add = run(lodestone({"gallery", "add", path("other.safetensors"), path("pictures/class3"),
                                      "--name", "x", "--checkpoint", work_->run()}));
  ASSERT_EQ(add.code, 0) << add.err;
  const Finished other = run(lodestone({"search", "--gallery", path("other.safetensors"), "--query",
                                        path("gallery.safetensors"), "--index", path("gallery.index")}));
  EXPECT_EQ(other.code, 3);
  EXPECT_THAT(other.err, HasSubstr("other rows"));
}

TEST_F(Use, EmbedsForNumpyAndForLines) {
  ASSERT_EQ(embed("e.npy").code, 0);
  EXPECT_THAT(contents(path("e.npy")), HasSubstr("'shape': (48, 8)"));
  EXPECT_EQ(fs::file_size(path("e.npy")), 128 + 48 * 8 * 4);
  ASSERT_EQ(embed("e.jsonl").code, 0);
  std::istringstream lines(contents(path("e.jsonl")));
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    const auto row = nlohmann::json::parse(line);
    double square = 0;
    for (const double x : row["embedding"]) square += x * x;
    EXPECT_NEAR(square, 1, 1e-5);
    EXPECT_EQ(row["label"], "class" + std::to_string(count++ / 6));
  }
  EXPECT_EQ(count, 48);
  EXPECT_EQ(embed("e.csv").code, 2);
}

TEST_F(Use, ASplitOfAListIsSelectedAsTheMessageSays) {
  std::ofstream(path("list.csv")) << "path,label,split\npictures/class0/0.png,a,train\n"
                                     "pictures/class1/0.png,b,test\npictures/class1/1.png,b,test\n";
  std::ofstream(path("plain.csv")) << "path,label\npictures/class0/0.png,a\n";
  const auto embed_list = [](const std::string& list, const std::string& setting) {
    return run(lodestone(
        {"embed", work_->run(), "--input", path(list), "--output", path("split.npy"), "--set", setting}));
  };
  const Finished refused = embed_list("list.csv", "evaluate.data.split=");
  EXPECT_EQ(refused.code, 3);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("--set evaluate.data.split="),
                                 HasSubstr("--set evaluate.data.other_columns=ignore")));
  const std::string test = "evaluate.data.split=test";
  EXPECT_THAT(embed_list("list.csv", test).out, HasSubstr(": 2 embeddings"));
  EXPECT_THAT(embed_list("plain.csv", test).out, HasSubstr(": 1 embedding"));
  EXPECT_THAT(embed_list("pictures", test).out, HasSubstr(": 48 embeddings"));
  EXPECT_THAT(embed_list("list.csv", "evaluate.data.other_columns=ignore").out, HasSubstr(": 3 embeddings"));
}

TEST_F(Use, SearchesByImage) {
  const Finished search = run(lodestone({"search", "--gallery", path("gallery.safetensors"), "--query",
                                         path("pictures/class3/2.png"), "--checkpoint", work_->run(), "-k",
                                         "4", "--json", path("s.json"), "--html", path("s.html")}));
  ASSERT_EQ(search.code, 0) << search.err;
  EXPECT_THAT(search.out, HasSubstr("class3/2.png"));
  const auto result = json("s.json");
  EXPECT_EQ(result["far"], 0.05);
  const auto hits = result["answers"][0]["hits"];
  ASSERT_EQ(hits.size(), 4U);
  EXPECT_EQ(hits[0]["id"], "class3/2.png");
  EXPECT_EQ(hits[0]["same"], true);
  for (size_t r = 1; r < 4; ++r) {
    EXPECT_GE(hits[r - 1]["score"], hits[r]["score"]);
    EXPECT_EQ(hits[r]["same"], hits[r]["score"] >= result["threshold"]);
  }
  EXPECT_THAT(contents(path("s.html")), AllOf(HasSubstr("data:image/png;base64,"), HasSubstr("</html>")));
}

TEST_F(Use, ShowsThumbnailsWhereTheImagesAreNot) {
  fs::copy(path("pictures"), path("moved"), fs::copy_options::recursive);
  const auto embed_moved = [](const std::string& output, int ranks) {
    const auto command = lodestone(
        {"embed", work_->run(), "--input", path("moved"), "--output", path(output), "--thumbnails", "32"});
    return run(ranks == 1 ? command : mpirun(ranks, command));
  };
  ASSERT_EQ(embed_moved("thumbs.safetensors", 1).code, 0);
  ASSERT_EQ(embed_moved("thumbs3.safetensors", 3).code, 0);
  EXPECT_EQ(contents(path("thumbs.safetensors.rows.jsonl")),
            contents(path("thumbs3.safetensors.rows.jsonl")));
  fs::rename(path("moved"), path("gone"));
  const Finished search = run(
      lodestone({"search", "--gallery", path("thumbs.safetensors"), "--query", path("pictures/class3/2.png"),
                 "--checkpoint", work_->run(), "-k", "4", "--html", path("thumbs.html")}));
  ASSERT_EQ(search.code, 0) << search.err;
  const std::string page = contents(path("thumbs.html"));
  EXPECT_THAT(page, HasSubstr("data:image/webp;base64,"));
  EXPECT_EQ(images_in(page), 5);  // the query and four answers
}

TEST_F(Use, ShowsPortableGreymapsAsImagesThatBrowsersShow) {
  write_bytes(path("grey/one.pgm"), "P5 12 10 255 " + std::string(120, 'x'));
  write_bytes(path("grey/two.pgm"), "P5 12 10 255 " + std::string(120, '\x10'));
  const std::string gallery = path("grey/gallery.safetensors");
  ASSERT_EQ(run(lodestone({"embed", work_->run(), "--input", path("grey"), "--output", gallery})).code, 0);
  const Finished search = run(lodestone({"search", "--gallery", gallery, "--query", path("grey/one.pgm"),
                                         "--checkpoint", work_->run(), "--html", path("grey.html")}));
  ASSERT_EQ(search.code, 0) << search.err;
  EXPECT_EQ(images_in(contents(path("grey.html"))), 3);
}

TEST_F(Use, WritesItsFilesThoughNobodyReadsItsOutput) {
  const std::string gallery = path("gallery.safetensors"), images = path("pictures");
  for (const std::vector<std::string>& command :
       {lodestone({"search", "--gallery", gallery, "--query", images, "--checkpoint", work_->run()}),
        lodestone({"identify", "--gallery", gallery, "--image", images, "--checkpoint", work_->run()})}) {
    for (const char* file : {"closed.json", "closed.html"}) fs::remove(path(file));
    std::string line;
    for (const std::string& word : command) line += "'" + word + "' ";
    run({"sh", "-c", line + "--json " + path("closed.json") + " --html " + path("closed.html") + " | true"});
    EXPECT_EQ(json("closed.json")["answers"].size(), 48U) << line;
    EXPECT_THAT(contents(path("closed.html")), HasSubstr("</html>")) << line;
  }
}

TEST_F(Use, RefusesEmbeddingsOfAnotherModel) {
  const Finished search = run(
      lodestone({"search", "--gallery", path("gallery.safetensors"), "--query", path("pictures/class3/2.png"),
                 "--checkpoint", (work_->run() / "checkpoints/step-00000004").string()}));
  EXPECT_EQ(search.code, 2);
  EXPECT_THAT(search.err, HasSubstr("of this model's weights"));
  EXPECT_EQ(run(lodestone({"search", "--gallery", path("gallery.safetensors"), "--query", "words",
                           "--checkpoint", work_->run()}))
                .code,
            2);
  EXPECT_EQ(
      run(lodestone({"search", "--gallery", path("run.yaml"), "--query", path("three.safetensors")})).code,
      3);
}

TEST_F(Use, KnowsWhoIsInTheGallery) {
  const std::string gallery = path("people.safetensors");
  const auto add = [&](const std::string& name, const std::vector<std::string>& images) {
    auto command = lodestone({"gallery", "add", gallery, "--checkpoint", work_->run(), "--name", name});
    for (const auto& image : images) command.push_back(path(image));
    return run(command);
  };
  ASSERT_EQ(add("anna", {"pictures/class0/0.png", "pictures/class0/1.png"}).code, 0);
  ASSERT_EQ(add("bert", {"pictures/class1"}).code, 0);
  EXPECT_EQ(run(lodestone({"gallery", "list", gallery})).out, "anna\t2\nbert\t6\n");

  const auto identify = [&](const std::string& image, const std::string& threshold) {
    return run(
        lodestone({"identify", "--gallery", gallery, "--image", path(image), "--checkpoint", work_->run(),
                   "--threshold", threshold, "--json", path("who.json"), "--html", path("who.html")}));
  };
  EXPECT_THAT(identify("pictures/class0/0.png", "0.999").out, HasSubstr("\tanna\t1.0000"));
  EXPECT_EQ(json("who.json")["answers"][0]["name"], "anna");
  EXPECT_EQ(json("who.json")["answers"][0]["candidates"].size(), 2U);
  EXPECT_THAT(identify("pictures/class5/0.png", "1.5").out, HasSubstr("\tunknown\t"));
  EXPECT_TRUE(json("who.json")["answers"][0]["name"].is_null());
  const std::string page = contents(path("who.html"));
  EXPECT_THAT(page, AllOf(HasSubstr("<b>unknown</b>"), HasSubstr("<b>bert</b>"), HasSubstr("not the same")));
  EXPECT_EQ(images_in(page), 3);  // the query and two candidates

  EXPECT_EQ(run(lodestone({"gallery", "remove", gallery, "--name", "ann"})).code, 3);
  EXPECT_EQ(run(lodestone({"gallery", "remove", gallery, "--name", "anna"})).code, 0);
  EXPECT_EQ(run(lodestone({"gallery", "list", gallery})).out, "bert\t6\n");
  // A gallery is searched like any other embeddings.
  EXPECT_EQ(run(lodestone({"search", "--gallery", gallery, "--query", path("pictures/class1"), "--checkpoint",
                           work_->run()}))
                .code,
            0);
}

TEST_F(Use, MinesTripletsThatTrainingReads) {
  const auto mine = [&](const std::string& output, int ranks) {
    const auto command = lodestone({"mine", work_->run(), "--output", path(output), "--margin", "1",
                                    "--per-anchor", "2", "--max-score", "1", "--html", path("hard.html")});
    return run(ranks == 1 ? command : mpirun(ranks, command));
  };
  const Finished one = mine("hard.tsv", 1);
  ASSERT_EQ(one.code, 0) << one.err;
  ASSERT_EQ(mine("hard3.tsv", 3).code, 0);
  EXPECT_EQ(contents(path("hard.tsv")), contents(path("hard3.tsv")));
  const std::string page = contents(path("hard.html"));
  EXPECT_THAT(page, AllOf(HasSubstr("most similar negatives"), HasSubstr("<b>negative class")));
  EXPECT_EQ(images_in(page) % 3, 0);
  EXPECT_GT(images_in(page), 0);
  const Finished train =
      run(lodestone({"train", work_->config(), "--set", "data.train.path=", "--set", "data.tuples=hard.tsv",
                     "--set", "global_batch=18", "--set", "sampler=", "--set", "miner.name=all", "--set",
                     "run_dir=" + path("again"), "--set", "evaluate.data.path="}));
  EXPECT_EQ(train.code, 0) << train.err;
  EXPECT_EQ(run(lodestone({"mine", work_->run(), "--output", path("elsewhere/hard.tsv")})).code, 2);

  const Finished pairs = run(lodestone({"mine", work_->run(), "--output", path("pairs.tsv"), "--margin", "1",
                                        "--per-anchor", "2", "--max-score", "1", "--format", "pairs"}));
  ASSERT_EQ(pairs.code, 0) << pairs.err;
  EXPECT_THAT(contents(path("pairs.tsv")), ::testing::AllOf(HasSubstr(".png\t1\n"), HasSubstr(".png\t0\n")));
  const Finished siamese = run(lodestone(
      {"train", work_->config(), "--set", "data.train.path=", "--set", "data.tuples=pairs.tsv", "--set",
       "global_batch=12", "--set", "sampler=", "--set", "loss={name: contrastive}", "--set", "miner.name=all",
       "--set", "run_dir=" + path("siamese"), "--set", "evaluate.data.path="}));
  EXPECT_EQ(siamese.code, 0) << siamese.err;
}

TEST_F(Use, MinesFromShardsAndFromListsWhatItMinesFromFiles) {
  Tar shards[2];
  std::string list = "path\tlabel\n";
  for (const auto& entry : sorted_files(path("pictures"))) {
    const std::string label = entry.parent_path().filename(), sample = label + "-" + entry.stem().string();
    shards[label < "class4"]
        .add(sample + entry.extension().string(), contents(entry))
        .add(sample + ".cls", label);
    list += fs::relative(entry, path(".")).string() + "\t" + label + "\n";
  }
  write_bytes(path("shards/late-1.tar"), shards[0].finished());
  write_bytes(path("shards/early-0.tar"), shards[1].finished());
  write_bytes(path("list.tsv"), list);
  const auto mine = [&](const std::string& input, const std::string& output) {
    const Finished mined = run(lodestone({"mine", work_->run(), "--input", path(input), "--output",
                                          path(output), "--margin", "1", "--max-score", "1"}));
    EXPECT_EQ(mined.code, 0) << mined.err;
    return contents(path(output));
  };
  const std::string expected = mine("pictures", "files.tsv");
  EXPECT_EQ(mine("list.tsv", "listed.tsv"), expected);
  const std::string members = mine("shards/{early-0,late-1}.tar", "members.tsv");
  EXPECT_EQ(std::regex_replace(members, std::regex("shards/[a-z]+-\\d.tar!(class\\d)-"), "pictures/$1/"),
            expected);
  const Finished train = run(
      lodestone({"train", work_->config(), "--set", "data.train.path=", "--set", "data.tuples=members.tsv",
                 "--set", "global_batch=18", "--set", "sampler=", "--set", "miner.name=all", "--set",
                 "run_dir=" + path("members"), "--set", "evaluate.data.path="}));
  EXPECT_EQ(train.code, 0) << train.err;
}

TEST_F(Use, AsksForAThresholdWhereNoneIsKept) {
  fs::remove(work_->run() / "calibration.json");
  const Finished identify = run(lodestone({"identify", "--gallery", path("gallery.safetensors"), "--image",
                                           path("pictures/class0/0.png"), "--checkpoint", work_->run()}));
  EXPECT_EQ(identify.code, 2);
  EXPECT_THAT(identify.err, HasSubstr("--calibrate"));
  ASSERT_EQ(run(lodestone({"evaluate", work_->run(), "--calibrate", "0.05"})).code, 0);
}

/// A model of texts, "run", with its data "train.tsv" and the texts alone, "all.txt".
void train_texts(const TextFolder& folder) {
  std::string rows, all;
  for (int topic = 0; topic < 8; ++topic)
    for (int n = 0; n < 6; ++n) {
      const std::string text = "please word" + std::to_string(topic) + " and number " + std::to_string(n);
      rows += text + "\ttopic" + std::to_string(topic) + "\n";
      all += text + "\n";
    }
  folder.write("train.tsv", rows);
  folder.write("all.txt", all);
  ASSERT_EQ(run(lodestone({"tokenizer", "train", "--input", folder.path("all.txt"), "--vocabulary", "120",
                           "--output", folder.path("vocab.txt")}))
                .code,
            0);
  const std::string config = folder.write(
      "run.yaml",
      "run_dir: " + folder.path("run") + "\nglobal_batch: 24\ndata:\n  root: " + folder.path("") +
          "\n  kind: texts\n  train: {path: train.tsv}\n  text:\n    format: labels\n    tokenizer: {path: "
          "vocab.txt, max_tokens: 16}\nencoder: {name: bag_of_tokens}\nschedule: {steps: 20, warmup_steps: "
          "2}\nloss: {name: supcon}\nminer: {name: all}\nevaluate: {data: {path: train.tsv}, text: "
          "{format: labels}, floor: false}\n");
  ASSERT_EQ(run(lodestone({"train", config})).code, 0);
}

TEST(UseTexts, EmbedsSearchesAndMines) {
  const TextFolder folder;
  train_texts(folder);
  const Finished embed = run(lodestone({"embed", folder.path("run"), "--input", folder.path("all.txt"),
                                        "--output", folder.path("g.safetensors")}));
  ASSERT_EQ(embed.code, 0) << embed.err;
  const Finished search =
      run(lodestone({"search", "--gallery", folder.path("g.safetensors"), "--query",
                     "please word3 and number 2", "--checkpoint", folder.path("run"), "-k", "1"}));
  ASSERT_EQ(search.code, 0) << search.err;
  EXPECT_THAT(search.out, HasSubstr("please word3 and number 2\t1\t1.0000"));
  EXPECT_THAT(search.out, HasSubstr("\tplease word3 and number 2\n"));
  const Finished mine =
      run(lodestone({"mine", folder.path("run"), "--output", folder.path("hard.jsonl"), "--margin", "2"}));
  ASSERT_EQ(mine.code, 0) << mine.err;
  EXPECT_THAT(contents(folder.path("hard.jsonl")), HasSubstr("\"negative\":\"please word"));
  ASSERT_EQ(run(lodestone({"mine", folder.path("run"), "--output", folder.path("pairs.jsonl"), "--margin",
                           "2", "--format", "pairs"}))
                .code,
            0);
  EXPECT_THAT(
      contents(folder.path("pairs.jsonl")),
      ::testing::AllOf(HasSubstr("{\"label\":1,\"sentence1\":\"please word"), HasSubstr("{\"label\":0,")));
}

TEST(UseTexts, AreNoMissingFiles) {
  const TextFolder folder;
  train_texts(folder);
  const std::string gallery = folder.path("g.safetensors"), model = folder.path("run");
  const Finished embed =
      run(lodestone({"embed", model, "--input", folder.path("all.txt"), "--output", gallery}));
  ASSERT_EQ(embed.code, 0) << embed.err;
  for (const char* missing : {"wrong/questions.txt", "questions.csv", "wrong/questions", "./no such file"}) {
    const Finished refused = run(lodestone({"search", model, "--gallery", gallery, "--input", missing}));
    EXPECT_EQ(refused.code, 3) << missing;
    EXPECT_THAT(refused.err, HasSubstr("got " + std::string(missing) + ", which does not exist")) << missing;
  }
  const Finished text =
      run(lodestone({"search", model, "--gallery", gallery, "--input", "please open 24/7", "-k", "1"}));
  EXPECT_EQ(text.code, 0) << text.err;
}

// Lines have no class, so nothing is compared with one; rows with a label are.
TEST(UseTexts, AreIdentifiedAndCountedAsTexts) {
  const TextFolder folder;
  train_texts(folder);
  const std::string gallery = folder.path("known.safetensors"), model = folder.path("run");
  const auto add = [&] {
    return run(
        lodestone({"gallery", "add", model, "--gallery", gallery, "--input", folder.path("train.tsv")}));
  };
  EXPECT_THAT(add().out, HasSubstr("added 48 texts, replaced 0; 8 identities"));
  const auto identify = [&](const std::string& input) {
    return run(lodestone({"identify", model, "--gallery", gallery, "--threshold", "0", "--input",
                          folder.path(input)}))
        .err;
  };
  const std::string lines = identify("all.txt"), labelled = identify("train.tsv");
  EXPECT_THAT(lines, AllOf(HasSubstr("48 texts: 48 known"), ::testing::Not(HasSubstr("compared with"))));
  EXPECT_THAT(labelled, HasSubstr("compared with their labels, 48 of 48 right"));
  EXPECT_THAT(labelled, HasSubstr("48 texts are in the gallery already and find themselves"));
}

TEST(UseTexts, AreStoredAndShownUnlessTheyArePrivate) {
  const TextFolder folder;
  train_texts(folder);
  const auto embed = [&](const std::string& output, const std::vector<std::string>& more) {
    auto command = lodestone(
        {"embed", folder.path("run"), "--input", folder.path("train.tsv"), "--output", folder.path(output)});
    command.insert(command.end(), more.begin(), more.end());
    return run(command);
  };
  EXPECT_THAT(embed("g.safetensors", {}).out, HasSubstr(", with their texts"));
  EXPECT_EQ(embed("secret.safetensors", {"--no-texts"}).code, 0);
  EXPECT_THAT(contents(folder.path("secret.safetensors.rows.jsonl")), ::testing::Not(HasSubstr("please")));
  const Finished three =
      run(mpirun(3, lodestone({"embed", folder.path("run"), "--input", folder.path("train.tsv"), "--output",
                               folder.path("three.safetensors")})));
  ASSERT_EQ(three.code, 0) << three.err;
  EXPECT_EQ(contents(folder.path("three.safetensors.rows.jsonl")),
            contents(folder.path("g.safetensors.rows.jsonl")));

  const auto search = [&](const std::string& gallery, const std::string& query) {
    return run(lodestone({"search", "--gallery", folder.path(gallery), "--query", query, "--checkpoint",
                          folder.path("run"), "-k", "2", "--json", folder.path("s.json"), "--html",
                          folder.path("s.html")}));
  };
  ASSERT_EQ(search("g.safetensors", folder.path("g.safetensors")).code, 0);
  const auto json = nlohmann::json::parse(contents(folder.path("s.json")));
  EXPECT_EQ(json["answers"][3]["query"], "train.tsv:4");
  EXPECT_EQ(json["answers"][3]["text"], "please word0 and number 3");
  EXPECT_EQ(json["answers"][3]["hits"][0]["text"], "please word0 and number 3");
  EXPECT_THAT(contents(folder.path("s.html")), HasSubstr("<p>please word0 and number 3</p>"));
  const Finished secret = search("secret.safetensors", "please word3 and number 2");
  EXPECT_THAT(secret.out, AllOf(HasSubstr("\tid\n"), HasSubstr("\ttrain.tsv:")));
}

}  // namespace
}  // namespace lodestone::testing
