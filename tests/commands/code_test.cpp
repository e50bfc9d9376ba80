// Code that a run's configuration names: loaded where the user says so, and only the file that was meant.
#include <ATen/ops/arange.h>
#include <ATen/ops/sin.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include "support/program.h"

namespace lodestone::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// A run whose encoder is TorchScript, made once.
class Code : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    work_ = new Workspace;
    save_model("    return torch.matmul(x.flatten(1), self.weight)\n");
    std::string config = contents(work_->config());
    const size_t begin = config.find("encoder:"), end = config.find('\n', begin);
    std::ofstream(work_->config()) << config.replace(begin, end - begin,
                                                     "encoder: {name: torchscript, file: " + model() + "}")
                                   << "evaluate: {data: {path: pictures}, floor: false}\n";
    const Finished trained = run(lodestone({"train", work_->config(), "--allow-code"}));
    ASSERT_EQ(trained.code, 0) << trained.err;
    const Finished embedded = embed({"--allow-code"});
    ASSERT_EQ(embedded.code, 0) << embedded.err;
  }
  static void TearDownTestSuite() { delete work_; }
  void TearDown() override { save_model("    return torch.matmul(x.flatten(1), self.weight)\n"); }

  static void save_model(const std::string& body) {
    torch::jit::Module module("model");
    module.register_parameter("weight", at::sin(at::arange(256 * 8, at::kFloat)).reshape({256, 8}),
                              /*is_buffer=*/false);
    module.define("def forward(self, x):\n" + body);
    module.save(model());
  }
  static std::string model() { return path("model.pt"); }
  static std::string path(const std::string& name) { return work_->path(name); }
  static Finished embed(std::vector<std::string> more) {
    std::vector<std::string> words{"embed", work_->run(), "--output", path("out.safetensors")};
    words.insert(words.end(), more.begin(), more.end());
    return run(lodestone(words));
  }

  static Workspace* work_;
};
Workspace* Code::work_ = nullptr;

TEST_F(Code, IsNotLoadedFromAFolderByItself) {
  const std::string gallery = path("out.safetensors"), image = path("pictures/class0/0.png"),
                    folder = work_->run();
  const std::vector<std::vector<std::string>> commands = {
      {"embed", folder, "--output", path("x.npy")},
      {"evaluate", folder},
      {"search", "--gallery", gallery, "--query", image, "--checkpoint", folder},
      {"identify", "--gallery", gallery, "--image", image, "--checkpoint", folder},
      {"gallery", "add", path("people.safetensors"), image, "--checkpoint", folder},
      {"mine", folder, "--output", path("hard.tsv")},
      {"serve", folder, "--port", "0"},
      {"export", folder, "--format", "safetensors", "--output", path("w.safetensors")}};
  for (const auto& words : commands) {
    const Finished refused = run(lodestone(words));
    EXPECT_EQ(refused.code, 2) << words[0] << refused.err;
    EXPECT_THAT(refused.err,
                AllOf(HasSubstr("--allow-code"), HasSubstr("with your rights"), HasSubstr(model())))
        << words[0];
  }
  for (const char* written : {"x.npy", "people.safetensors", "hard.tsv", "w.safetensors"})
    EXPECT_FALSE(std::filesystem::exists(path(written))) << written;
}

// Naming a configuration, which may be another's, is no word of the user's about the code that it names.
TEST_F(Code, OfAConfigurationIsNotLoadedByItself) {
  const std::string own = work_->config(), stored = work_->run() / "config.yaml";
  const std::vector<std::vector<std::string>> commands = {{"train"},
                                                          {"plan"},
                                                          {"verify-gradients"},
                                                          {"bench", "step"},
                                                          {"bench", "loader"},
                                                          {"launch", "--", "train"}};
  for (auto words : commands)
    for (const std::string& file : {own, stored}) {
      words.push_back(file);
      const Finished refused = run(lodestone(words));
      words.pop_back();
      EXPECT_EQ(refused.code, 2) << words[0] << refused.err;
      EXPECT_THAT(refused.err, AllOf(HasSubstr("--allow-code"), HasSubstr("with your rights"),
                                     HasSubstr("--set 'encoder.file=" + model() + "'")))
          << words[0];
    }
  const Finished allowed = run(lodestone({"train", stored, "--allow-code"}));
  EXPECT_EQ(allowed.code, 0) << allowed.err;
  EXPECT_THAT(allowed.err, HasSubstr("the run is done"));
  EXPECT_EQ(run(lodestone({"train", stored, "--set", "encoder.file=" + model()})).code, 0);
  const Finished planned = run(lodestone({"plan", own, "--allow-code"}));
  EXPECT_EQ(planned.code, 0) << planned.err;
}

TEST_F(Code, OfAConfigurationAsAModelIsNotLoadedByItself) {
  const auto embed_own = [](std::vector<std::string> more) {
    std::vector<std::string> words{"embed", work_->config(), "--output", path("own.npy")};
    words.insert(words.end(), more.begin(), more.end());
    return run(lodestone(words));
  };
  const Finished refused = embed_own({});
  EXPECT_EQ(refused.code, 2) << refused.err;
  EXPECT_THAT(refused.err, AllOf(HasSubstr("--allow-code"), HasSubstr("with your rights")));
  const Finished allowed = embed_own({"--allow-code"});
  EXPECT_EQ(allowed.code, 0) << allowed.err;
  EXPECT_EQ(embed_own({"--set", "encoder.file=" + model()}).code, 0);
  const Finished shown = run(lodestone({"inspect", work_->config()}));
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("CODE"), HasSubstr(model())));
}

TEST_F(Code, IsLoadedWhereTheUserSaysSo) {
  const std::string folder = work_->run();
  EXPECT_EQ(embed({"--set", "encoder.file=" + model()}).code, 0);
  EXPECT_EQ(run(lodestone({"evaluate", folder, "--allow-code", "--bootstrap", "0"})).code, 0);
  EXPECT_EQ(
      run(lodestone({"export", folder, "--allow-code", "--format", "torchscript", "--output", path("e.pt")}))
          .code,
      0);
  // Another setting is no word about code, whatever its value.
  EXPECT_EQ(embed({"--set", "evaluate.summary=" + model()}).code, 2);
  const Finished again =
      run(lodestone({"train", work_->config(), "--allow-code", "--set", "schedule.steps=12"}));
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.err, AllOf(HasSubstr("resumed"), Not(HasSubstr("its hash differs"))));
}

TEST_F(Code, OfAnotherFileInItsPlaceIsRefused) {
  save_model("    return torch.matmul(x.flatten(1), self.weight) * 2\n");
  const Finished refused = embed({"--allow-code"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("SHA-256"), HasSubstr("--set encoder.file=")));
  const Finished named = embed({"--set", "encoder.file=" + model()});
  EXPECT_EQ(named.code, 0) << named.err;
  EXPECT_THAT(named.err, HasSubstr("is not the file that the weights were trained in"));
  const Finished resumed =
      run(lodestone({"train", work_->config(), "--allow-code", "--set", "schedule.steps=14"}));
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("its hash differs"));
  std::filesystem::remove(model());
  EXPECT_EQ(embed({"--allow-code"}).code, 3);
  // The checkpoint that was saved last is of the other file.
  std::filesystem::remove_all(work_->run());
  save_model("    return torch.matmul(x.flatten(1), self.weight)\n");
  EXPECT_EQ(run(lodestone({"train", work_->config(), "--allow-code"})).code, 0);
}

TEST_F(Code, IsShownByInspect) {
  const Finished shown = run(lodestone({"inspect", work_->run()}));
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, ::testing::ContainsRegex("CODE +" + model() + " +sha256 [0-9a-f]{64}"));
}

}  // namespace
}  // namespace lodestone::testing
