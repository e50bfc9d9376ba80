// TorchScript of somebody else's: what it promises in eval() and in train(), and which file it is.
#include <fstream>

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include "common/files.h"
#include "encoders/made.h"
#include "trainer/encoders/code_file.h"

namespace lodestone::testing {
using namespace encoders;
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const c10::Device kCpu(c10::kCPU), kCuda(c10::kCUDA, 0);

class Script : public ::testing::Test {
 protected:
  /// Saves a module with `weight` [256, 8] and running statistics of 8 numbers whose forward has this body.
  std::string image_model(const std::string& body) const { return saved("self, x", body, 256); }
  /// The same for texts: `weight` is [50, 8], a vector for each token.
  std::string text_model(const std::string& body) const { return saved("self, tokens, mask", body, 50); }
  static std::string encoder(const std::string& file) { return "{name: torchscript, file: " + file + "}"; }

  std::string message(const std::string& file, const InputShape& input = kImages) const {
    try {
      made(encoder(file), input);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  TempFolder folder_;

 private:
  std::string saved(const std::string& arguments, const std::string& body, int64_t rows) const {
    torch::jit::Module model("model");
    model.register_attribute("training", c10::BoolType::get(), true);
    model.register_parameter("weight", at::sin(at::arange(rows * 8, at::kFloat)).reshape({rows, 8}),
                             /*is_buffer=*/false);
    model.register_parameter("running_mean", at::zeros({8}), /*is_buffer=*/true);
    model.register_parameter("running_var", at::ones({8}), /*is_buffer=*/true);
    model.define("def forward(" + arguments + "):\n" + body);
    model.save(folder_.path() / "m.pt");
    return folder_.path() / "m.pt";
  }
};

const std::string kProduct = "    z = torch.matmul(x.flatten(1), self.weight)\n";

TEST_F(Script, WhoseEmbeddingsAreRandomIsRefused) {
  for (const char* end : {"    return torch.dropout(z, 0.5, True)\n", "    return z + torch.rand_like(z)\n",
                          "    return torch.feature_dropout(z, 0.5, True)\n",
                          "    return z * torch.rand([1])\n", "    return torch.rrelu(z, 0.1, 0.9, True)\n"})
    EXPECT_THAT(message(image_model(kProduct + end)),
                AllOf(HasSubstr("random"), HasSubstr("torch.jit.script")))
        << end;
}

TEST_F(Script, WhoseRowsDependOnEachOtherIsRefused) {
  for (const char* end :
       {"    return torch.batch_norm(z, None, None, self.running_mean, self.running_var, True, 0.1, 1e-5, "
        "False)\n",
        "    return z - z.mean(0, keepdim=True)\n", "    return torch.softmax(z, 0)\n",
        "    return z.cumsum(0)\n", "    return z / z.abs().max()\n", "    return z.flip([0])\n"})
    EXPECT_NE(message(image_model(kProduct + end)), "accepted") << end;
  EXPECT_THAT(message(image_model(kProduct + "    return torch.softmax(z, 0)\n")),
              AllOf(HasSubstr("depend on each other"), HasSubstr("traced in train()")));
}

TEST_F(Script, ThatTakesOneNumberOfRowsAloneIsRefused) {
  EXPECT_THAT(message(image_model("    return torch.matmul(x.reshape([1, 256]), self.weight)\n")),
              HasSubstr("any number of rows"));
  EXPECT_THAT(message(image_model("    return torch.matmul(x.reshape([3, 256]), self.weight)\n")),
              HasSubstr("one row"));
  EXPECT_THAT(
      message(image_model("    return torch.matmul(x.flatten(1), self.weight).sum(0, keepdim=True)\n")),
      HasSubstr("for each of 3 examples"));
}

TEST_F(Script, OfImagesThatKeepsItsWordIsTaken) {
  for (const char* end : {"    return z\n", "    return torch.dropout(z, 0.5, self.training)\n",
                          "    return torch.batch_norm(z, None, None, self.running_mean, self.running_var, "
                          "self.training, 0.1, 1e-5, False)\n"})
    EXPECT_EQ(message(image_model(kProduct + end)), "accepted") << end;
}

TEST_F(Script, StatisticsAreWhatNormsReadWhateverTheirNames) {
  const auto roles = [&](const std::string& end) {
    std::map<std::string, ParameterRole> found;
    const auto slot = made(encoder(image_model(kProduct + end)), kImages);
    for (const Parameter& buffer : (*slot)->parameters().buffers()) found[buffer.name] = buffer.role;
    return found;
  };
  const std::string norm =
      "torch.batch_norm(z, None, None, mean, variance, self.training, 0.1, 1e-5, False)\n";
  const std::string branches =
      "    mean: Optional[Tensor] = self.running_mean\n    variance: Optional[Tensor] = self.running_var\n"
      "    if z.size(1) > 100:\n        mean = None\n        variance = None\n";
  const std::map<std::string, ParameterRole> statistics = {{"running_mean", ParameterRole::kRunningStatistic},
                                                           {"running_var", ParameterRole::kRunningStatistic}};
  EXPECT_EQ(roles("    mean = self.running_mean\n    variance = self.running_var\n    return " + norm),
            statistics);
  EXPECT_EQ(roles(branches + "    return " + norm), statistics);
  EXPECT_EQ(roles("    return z + self.running_mean\n").at("running_mean"), ParameterRole::kConstant);
}

TEST_F(Script, OfTextsMustNotLookAtPadding) {
  const std::string vectors = "    h = self.weight[tokens]\n";
  EXPECT_THAT(message(text_model(vectors + "    return h.mean(1)\n"), kTexts), HasSubstr("padding"));
  EXPECT_THAT(message(text_model(vectors + "    return h[:, -1]\n"), kTexts), HasSubstr("padding"));
  EXPECT_THAT(message(text_model(vectors + "    return h[:, 0] + mask.sum().to(h.dtype)\n"), kTexts),
              HasSubstr("depend on each other"));
  EXPECT_THAT(message(text_model(vectors + "    return torch.dropout(h[:, 0], 0.5, True)\n"), kTexts),
              HasSubstr("random"));
  EXPECT_EQ(
      message(text_model(vectors +
                         "    m = mask.unsqueeze(2).to(h.dtype)\n    return (h * m).sum(1) / m.sum(1)\n"),
              kTexts),
      "accepted");
  EXPECT_THAT(message(text_model(vectors + "    return h\n"), kTexts), HasSubstr("3 dimensions"));
}

TEST_F(Script, OfATowerIsTriedToo) {
  const std::string towers = "{name: two_tower, image: {name: mlp}, text: " +
                             encoder(text_model("    return self.weight[tokens].mean(1)\n")) + "}";
  EXPECT_THROW(made(towers, kBoth), ConfigError);
}

TEST_F(Script, WhatNeverTrainsIsReported) {
  const auto remarks = [&](const std::string& end, const c10::Device& device = kCpu, bool training = true) {
    return (*made(encoder(image_model(kProduct + end)), kImages))->remarks(device, training);
  };
  const char* frozen =
      "    z = torch.batch_norm(z, None, None, self.running_mean, self.running_var, False, 0.1, 1e-5, "
      "False)\n"
      "    return torch.dropout(torch.dropout(z, 0.5, False), 0.1, False)\n";
  EXPECT_THAT(remarks(frozen),
              ElementsAre(AllOf(HasSubstr("1 of batch_norm"), HasSubstr("2 of dropout"), HasSubstr("m.pt"))));
  EXPECT_THAT(remarks(frozen, kCpu, /*training=*/false), IsEmpty());
  EXPECT_THAT(remarks("    if z.size(0) > 2:\n        z = torch.dropout(z, 0.5, False)\n    return z\n"),
              ElementsAre(HasSubstr("1 of dropout")));
  EXPECT_THAT(remarks("    return torch.dropout(z, 0.5, self.training)\n"), IsEmpty());
  EXPECT_THAT(remarks("    return torch.dropout(z, 0.0, False)\n"), IsEmpty());
  const char* pinned = "    return z + torch.zeros([8], device=torch.device(\"cpu\"))\n";
  EXPECT_THAT(remarks(pinned), IsEmpty());
  EXPECT_THAT(remarks(pinned, kCuda, /*training=*/false),
              ElementsAre(AllOf(HasSubstr("on cpu"), HasSubstr("cuda:0"))));
  EXPECT_THAT((*made("{name: two_tower, image: " + encoder(image_model(kProduct + frozen)) +
                         ", text: {name: bag_of_tokens}}",
                     kBoth))
                  ->remarks(kCpu, true),
              ElementsAre(HasSubstr("dropout")));
}

TEST_F(Script, IsKnownByTheHashOfItsFile) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string file = image_model(kProduct + "    return z\n");
  const std::string hash = sha256(read_file(file));
  const auto built = [&](const std::map<std::string, std::string>& hash_of) {
    Slot<Encoder> slot{encoder_table(), "torchscript"};
    read_fields(parse_yaml("encoder: " + encoder(file), "test"),
                [&](Fields& f) { f.slot({.name = "encoder"}, slot); });
    EXPECT_EQ(slot->code().at(file), "");
    slot->pin_files(hash_of);
    slot->build(kImages, 1);
    return slot->code();
  };
  EXPECT_EQ(built({}).at(file), hash);
  EXPECT_EQ(built({{file, hash}, {"another.pt", "0"}}).at(file), hash);
  EXPECT_THROW(built({{file, sha256("another file")}}), ConfigError);
  EXPECT_THAT((*made("{name: mlp}", kImages))->code(), IsEmpty());
}

}  // namespace
}  // namespace lodestone::testing
