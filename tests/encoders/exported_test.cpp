// Programs of torch.export: what PyTorch computed with them (programs/record.py), and what is refused.
#include <fstream>
#include <functional>

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/safetensors.h"
#include "encoders/adamw_steps.h"
#include "encoders/made.h"
#include "trainer/encoders/code_file.h"
#include "trainer/encoders/exported/program.h"

namespace lodestone::testing {
using namespace encoders;
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string recorded(const std::string& name) {
  return LODESTONE_TESTS_FOLDER "/encoders/programs/" + name;
}

std::string encoder(const std::string& file) {
  return "{name: exported, file: " + file + "}";
}

struct Case {
  const char* name;
  InputShape input;
};

class Recorded : public ::testing::TestWithParam<Case> {
 protected:
  const TensorMap values_ = read_safetensors(recorded(std::string(GetParam().name) + ".safetensors"));
  std::unique_ptr<Slot<Encoder>> encoder_ =
      made(encoder(recorded(std::string(GetParam().name) + ".pt2")), GetParam().input);

  Features rows() const {
    if (values_.contains("pixels")) return Features(values_.at("pixels"));
    return {values_.at("tokens"), values_.at("mask")};
  }
  static double off(const at::Tensor& got, const at::Tensor& expected) {
    return ((got - expected).abs().max() / expected.abs().max().clamp_min(1e-6)).item<double>();
  }
};

TEST_P(Recorded, EmbedsAsPyTorchInEval) {
  const at::NoGradGuard no_grad;
  EXPECT_LE(off((*encoder_)->forward(rows(), {}), values_.at("eval")), 1e-5);
}

TEST_P(Recorded, TrainsAsPyTorch) {
  ForwardMode mode;
  mode.training = true;
  const at::Tensor z_bD = (*encoder_)->forward(rows(), mode);
  EXPECT_LE(off(z_bD.detach(), values_.at("train")), 1e-5);
  z_bD.backward(values_.at("dz"));
  size_t compared = 0;
  for (const auto& parameter : (*encoder_)->parameters().learned()) {
    ASSERT_TRUE(values_.contains("gradient." + parameter.name)) << parameter.name;
    const at::Tensor& expected = values_.at("gradient." + parameter.name);
    // Gradients that cancel out (a bias before a norm) hold rounding alone.
    EXPECT_LE((parameter.tensor.grad() - expected).abs().max().item<double>(),
              1e-4 * std::max(expected.abs().max().item<double>(), 1e-1))
        << parameter.name;
    ++compared;
  }
  EXPECT_EQ(compared, static_cast<size_t>(std::ranges::count_if(
                          values_, [](const auto& one) { return one.first.starts_with("gradient."); })));
  for (const auto& buffer : (*encoder_)->parameters().buffers())
    if (buffer.role == ParameterRole::kRunningStatistic) {
      EXPECT_LE(off(buffer.tensor, values_.at("after." + buffer.name)), 1e-5) << buffer.name;
    }
}

TEST_P(Recorded, TakesTenStepsOfAdamWAsPyTorch) {
  (*encoder_)->parameters().convert(at::kDouble, at::kCPU);
  const Features x = rows().to(at::kDouble);
  take_steps(**encoder_, x, values_.at("dz").to(at::kDouble), 10);
  const at::NoGradGuard no_grad;
  EXPECT_LE(off((*encoder_)->forward(x, {}), values_.at("steps")), 1e-7);
  for (const auto& [name, tensor] : tensors_of(**encoder_)) {
    if (!values_.contains("steps." + name)) continue;  // the ones and zeros of norms without weights
    const at::Tensor& expected = values_.at("steps." + name);
    EXPECT_LE((tensor - expected).abs().max().item<double>(), 1e-7) << name;
    EXPECT_EQ(tensor.scalar_type(), at::kDouble) << name;
  }
}

// Texts of like length are encoded together; so are those of other ranks, with other lengths.
TEST(ExportedTexts, InPartsAreAsEachAlone) {
  const auto texts = made(encoder(recorded("texts-dropout.pt2")), kTexts);
  (*texts)->parameters().convert(at::kDouble, at::kCPU);
  const Features x = features(kTexts, 24, 12);
  ForwardMode mode;
  mode.training = true;
  mode.draw = {5, 3, {}};
  const at::Tensor z_nD = (*texts)->forward(x, mode);
  for (int64_t i = 0; i < 24; ++i) {
    mode.draw.row_b = at::full({1}, i, at::kLong);
    const at::Tensor own_1D = (*texts)->forward(x.narrow(i, 1), mode);
    EXPECT_LE((own_1D - z_nD.narrow(0, i, 1)).abs().max().item<double>(), 1e-12) << i;
  }
}

TEST(ExportedTowers, OfOneFileEmbedAsTheirPrograms) {
  const std::string file = recorded("towers.pt2");
  const auto tower = [&](const std::string& program) {
    return "{name: exported, file: " + file + ", program: " + program + "}";
  };
  const InputShape input{1, 16, 16, 50, 9};
  const auto both = made(
      "{name: two_tower, image: " + tower("image") + ", text: " + tower("text") + ", embedding: 0}", input);
  const TensorMap values = read_safetensors(recorded("towers.safetensors"));
  Features x;
  x.pixels_nCHW = values.at("pixels");
  // Shorter than the program's 9 tokens.
  x.tokens_nT = values.at("tokens").narrow(1, 0, 7);
  x.mask_nT = values.at("mask").narrow(1, 0, 7);
  x.is_text_b = at::arange(9) >= 5;
  const at::NoGradGuard no_grad;
  const at::Tensor z_nD = (*both)->forward(x, {}),
                   expected_nD = at::cat({values.at("image"), values.at("text")});
  EXPECT_LE((z_nD - expected_nD).abs().max().item<double>(), 1e-5);
  EXPECT_TRUE(tensors_of(**both).contains("image.first.weight"));
  EXPECT_TRUE(tensors_of(**both).contains("text.tokens.weight"));
}

TEST_P(Recorded, AnEmptyShareLeadsToTheParameters) {
  ForwardMode mode;
  mode.training = true;
  const at::Tensor z_0D = (*encoder_)->forward(rows().narrow(0, 0), mode);
  EXPECT_EQ(z_0D.sizes(), at::IntArrayRef({0, (*encoder_)->output_dim()}));
  z_0D.sum().backward();
  for (const auto& parameter : (*encoder_)->parameters().learned())
    if (parameter.tensor.grad().defined()) {
      EXPECT_EQ(parameter.tensor.grad().abs().max().item<double>(), 0) << parameter.name;
    }
}

TEST_P(Recorded, ASecondPassLeavesStatisticsAlone) {
  ForwardMode mode;
  mode.training = true;
  mode.update_statistics = false;
  const auto before = tensors_of(**encoder_);
  std::map<std::string, at::Tensor> kept;
  for (const auto& [name, tensor] : before) kept[name] = tensor.clone();
  (*encoder_)->forward(rows(), mode);
  for (const auto& [name, tensor] : tensors_of(**encoder_))
    EXPECT_TRUE(at::equal(tensor, kept[name])) << name;
}

INSTANTIATE_TEST_SUITE_P(Programs, Recorded,
                         ::testing::Values(Case{"convolutions", kImages}, Case{"texts", kTexts},
                                           Case{"texts-last", kTexts}),
                         [](const auto& one) {
                           std::string name = one.param.name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

/// A recorded program with some of its entries changed.
class Exported : public ::testing::Test {
 protected:
  using Entries = std::map<std::string, std::string>;

  /// What loading a file with these changes says.
  std::string message(const std::string& name, const std::function<void(Entries&)>& change,
                      const InputShape& input = kImages) const {
    Entries entries = read(recorded(name));
    change(entries);
    const std::string file = folder_.path() / "changed.pt2";
    write(file, entries);
    return message_of(file, input);
  }
  std::string changed_model(const std::string& name, const std::function<void(json&)>& change,
                            const InputShape& input = kImages) const {
    return message(
        name,
        [&](Entries& entries) {
          json model = json::parse(entries.at("program/models/model.json"));
          change(model);
          entries["program/models/model.json"] = model.dump();
        },
        input);
  }
  static std::string message_of(const std::string& file, const InputShape& input = kImages) {
    try {
      made(encoder(file), input);
    } catch (const Error& error) {
      return explain(error);
    }
    return "accepted";
  }
  static Entries read(const std::string& file) {
    const std::unique_ptr<archive, decltype(&archive_read_free)> zip(archive_read_new(), &archive_read_free);
    archive_read_support_format_zip(zip.get());
    EXPECT_EQ(archive_read_open_filename(zip.get(), file.c_str(), 1 << 16), ARCHIVE_OK) << file;
    Entries entries;
    archive_entry* entry = nullptr;
    while (archive_read_next_header(zip.get(), &entry) == ARCHIVE_OK) {
      std::string bytes(static_cast<size_t>(archive_entry_size(entry)), '\0');
      archive_read_data(zip.get(), bytes.data(), bytes.size());
      entries[archive_entry_pathname(entry)] = bytes;
    }
    return entries;
  }
  static void write(const std::string& file, const Entries& entries, const char* compression = "store") {
    const std::unique_ptr<archive, decltype(&archive_write_free)> zip(archive_write_new(),
                                                                      &archive_write_free);
    archive_write_set_format_zip(zip.get());
    archive_write_set_options(zip.get(), (std::string("compression=") + compression).c_str());
    archive_write_open_filename(zip.get(), file.c_str());
    for (const auto& [name, bytes] : entries) {
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, name.c_str());
      archive_entry_set_size(entry, static_cast<int64_t>(bytes.size()));
      archive_entry_set_filetype(entry, AE_IFREG);
      archive_entry_set_perm(entry, 0644);
      archive_write_header(zip.get(), entry);
      archive_write_data(zip.get(), bytes.data(), bytes.size());
      archive_entry_free(entry);
    }
    archive_write_close(zip.get());
  }
  static json& node(json& model, const std::string& target) {
    for (json& one : model["graph_module"]["graph"]["nodes"])
      if (one["target"] == target) return one;
    throw std::runtime_error("no node " + target);
  }
  TempFolder folder_;
};

TEST_F(Exported, TiedWeightsAreOneParameter) {
  const auto texts = made(encoder(recorded("texts.pt2")), kTexts);
  std::vector<std::string> names;
  for (const auto& parameter : (*texts)->parameters().learned())
    if (parameter.name == "tokens.weight" || parameter.name == "output.weight")
      names.push_back(parameter.name);
  EXPECT_THAT(names, ElementsAre("tokens.weight"));
}

TEST_F(Exported, OfPyTorch215IsThatOfThePinnedOne) {
  const auto newest = made(encoder(recorded("convolutions-2.15.pt2")), kImages);
  const TensorMap values = read_safetensors(recorded("convolutions.safetensors"));
  const at::NoGradGuard no_grad;
  const at::Tensor z_nD = (*newest)->forward(Features(values.at("pixels")), {});
  EXPECT_LE((z_nD - values.at("eval")).abs().max().item<double>(), 1e-5);
}

TEST_F(Exported, IsNoCodeButThePinnedFile) {
  const std::string file = recorded("texts.pt2");
  const auto texts = made(encoder(file), kTexts);
  EXPECT_TRUE((*texts)->code().empty());
  EXPECT_EQ((*texts)->programs().at(file), sha256(read_file(file)));
  Slot<Encoder> pinned(encoder_table(), "mlp");
  read_fields(parse_yaml("encoder: " + encoder(file), "test"),
              [&](Fields& f) { f.slot({.name = "encoder"}, pinned); });
  pinned->pin_files({{file, std::string(64, '0')}});
  EXPECT_THROW(pinned->build(kTexts, 1), ConfigError);
}

TEST_F(Exported, OfEvalIsNotTrained) {
  const auto slot = made(encoder(recorded("convolutions-eval.pt2")), kImages);
  ForwardMode mode;
  EXPECT_EQ((*slot)->forward(features(kImages, 3), mode).size(0), 3);
  mode.training = true;
  try {
    (*slot)->forward(features(kImages, 3), mode);
    FAIL() << "a program that was exported in eval() was trained";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("exported in eval()"), HasSubstr("in train()")));
  }
}

TEST_F(Exported, OfAFixedBatchIsRefusedWithTheRemedy) {
  EXPECT_THAT(message_of(recorded("fixed-batch.pt2")),
              AllOf(HasSubstr("any number of rows"), HasSubstr("dynamic_shapes")));
}

TEST_F(Exported, OfOtherInputsIsRefusedWithThem) {
  EXPECT_THAT(message_of(recorded("texts.pt2")),
              AllOf(HasSubstr("images"), HasSubstr("'tokens' of Long [any, any]")));
  EXPECT_THAT(message_of(recorded("convolutions.pt2"), kTexts),
              HasSubstr("'pixels' of Float [any, 1, 16, 16]"));
  EXPECT_THAT(message_of(recorded("convolutions.pt2"), InputShape{3, 16, 16, 0, 0}),
              HasSubstr("data.image.channels"));
  EXPECT_THAT(message_of(recorded("convolutions.pt2"), kBoth), HasSubstr("two_tower"));
}

TEST_F(Exported, FilesThatAreNoProgramsAreNamedForWhatTheyAre) {
  const std::string file = folder_.path() / "x.pt2";
  std::ofstream(file) << "x\n";
  EXPECT_THAT(message_of(file), HasSubstr("a file of another kind"));
  EXPECT_THAT(message_of(folder_.path() / "none.pt2"), HasSubstr("can't be read"));
  EXPECT_THAT(message("convolutions.pt2",
                      [](Entries& entries) {
                        entries = {{"m/data.pkl", "x"}};
                      }),
              HasSubstr("TorchScript"));
  EXPECT_THAT(
      message("convolutions.pt2", [](Entries& entries) { entries.erase("program/models/model.json"); }),
      HasSubstr("without models/model.json"));
  EXPECT_THAT(
      message("convolutions.pt2", [](Entries& entries) { entries["program/models/model.json"] = "{"; }),
      HasSubstr("damaged"));
  EXPECT_THAT(
      message("convolutions.pt2", [](Entries& entries) { entries["program/models/model.json"] = "{}"; }),
      HasSubstr("another form"));
}

// Cut at any place, a file is refused or, where only unread entries are lost, read; it never crashes.
TEST_F(Exported, CutFilesAreRefused) {
  const std::string whole = read_file(recorded("convolutions.pt2"));
  const std::string file = folder_.path() / "cut.pt2";
  for (size_t size = 0; size < whole.size(); size += 997) {
    std::ofstream(file, std::ios::binary) << whole.substr(0, size);
    EXPECT_NE(message_of(file), "accepted") << size;
  }
}

TEST_F(Exported, ABombIsRefusedByItsClaim) {
  Entries entries = read(recorded("convolutions.pt2"));
  entries["program/data/weights/weight_0"] = std::string(size_t{64} << 20, '\0');
  const std::string file = folder_.path() / "bomb.pt2";
  write(file, entries, "deflate");
  EXPECT_THAT(message_of(file), HasSubstr("claims more bytes than the file has"));
}

TEST_F(Exported, TensorsThatReachBeyondTheirBytesAreRefused) {
  const auto lie = [&](const std::function<void(json&)>& change) {
    return message("convolutions.pt2", [&](Entries& entries) {
      std::string& text = entries.at("program/data/weights/model_weights_config.json");
      json config = json::parse(text);
      change(config["config"]["first.weight"]);
      text = config.dump();
    });
  };
  const json huge = {{"as_int", int64_t{1} << 62}};
  EXPECT_THAT(lie([&](json& one) { one["tensor_meta"]["sizes"][0] = huge; }), HasSubstr("reach beyond"));
  EXPECT_THAT(lie([&](json& one) { one["tensor_meta"]["strides"][0] = huge; }), HasSubstr("reach beyond"));
  EXPECT_THAT(lie([&](json& one) { one["tensor_meta"]["storage_offset"] = huge; }),
              HasSubstr("reach beyond"));
  EXPECT_THAT(lie([&](json& one) {
                one["tensor_meta"]["sizes"][0] = {{"as_int", -1}};
              }),
              HasSubstr("reach beyond"));
  EXPECT_THAT(lie([&](json& one) { one["path_name"] = "../../../etc/passwd"; }),
              HasSubstr("without data/weights/../"));
  EXPECT_THAT(lie([&](json& one) { one["use_pickle"] = true; }), HasSubstr("pickle"));
  EXPECT_THAT(lie([&](json& one) { one["tensor_meta"]["dtype"] = 29; }), HasSubstr("element type 29"));
}

TEST_F(Exported, WhatCannotBeTrainedIsNamed) {
  const auto with_target = [&](const std::string& target) {
    return changed_model("convolutions.pt2",
                         [&](json& model) { node(model, "torch.ops.aten.relu.default")["target"] = target; });
  };
  EXPECT_THAT(with_target("torch.ops.mylib.secret.default"), HasSubstr("'torch.ops.mylib.secret.default'"));
  EXPECT_THAT(with_target("torch.ops.higher_order.cond"), HasSubstr("control flow"));
  EXPECT_THAT(with_target("torch.ops.aten.nonzero.default"), HasSubstr("depends on values"));
  EXPECT_THAT(with_target("torch.ops.aten.rand_like.default"), HasSubstr("draws random numbers"));
  EXPECT_THAT(with_target("torch.ops.aten.relu_backward.default"), HasSubstr("lacks"));
  EXPECT_THAT(with_target("torch.ops.aten.threshold_backward.default"), HasSubstr("part of a gradient"));
  EXPECT_THAT(with_target("torch.ops.aten.set_.source_Tensor"), HasSubstr("reaches beyond the program"));
  EXPECT_THAT(with_target("torch.ops.aten.no_such_thing.default"), HasSubstr("lacks"));
  EXPECT_THAT(changed_model("convolutions.pt2", [](json& model) { model["schema_version"]["major"] = 9; }),
              AllOf(HasSubstr("version 8"), HasSubstr("got 9")));
}

TEST_F(Exported, AFileOfSeveralProgramsAsksForOne) {
  const InputShape texts{0, 0, 0, 50, 9}, longer{0, 0, 0, 50, 10};
  EXPECT_THAT(message_of(recorded("towers.pt2")),
              AllOf(HasSubstr("encoder.program"), HasSubstr("which has image, text")));
  EXPECT_THAT(message_of(recorded("towers.pt2") + ", program: audio"), HasSubstr("a program 'audio'"));
  EXPECT_EQ(message_of(recorded("towers.pt2") + ", program: text", texts), "accepted");
  EXPECT_THAT(message_of(recorded("towers.pt2") + ", program: text", longer),
              AllOf(HasSubstr("at most 9 tokens"), HasSubstr("max_tokens: 10")));
}

// What it makes is given back before it is written: the test takes no 2 GiB.
TEST_F(Exported, AProgramThatTakesTooMuchForAFewRowsIsRefused) {
  const std::string said = changed_model("convolutions.pt2", [](json& model) {
    json& relu = node(model, "torch.ops.aten.relu.default");
    relu["target"] = "torch.ops.aten.constant_pad_nd.default";
    const int64_t side = int64_t{1} << 13;
    json pad = {{"as_ints", {0, side, 0, side}}};
    relu["inputs"].push_back({{"name", "pad"}, {"arg", pad}, {"kind", 1}});
  });
  EXPECT_THAT(said, AllOf(HasSubstr("tensors of more than"), HasSubstr("constant_pad_nd")));
}

TEST_F(Exported, TensorsThatRepeatTheirBytesAreRefused) {
  const auto with = [&](const std::function<void(json&)>& change) {
    return message("convolutions.pt2", [&](Entries& entries) {
      std::string& text = entries.at("program/data/weights/model_weights_config.json");
      json config = json::parse(text);
      change(config["config"]);
      text = config.dump();
    });
  };
  const json zero = {{"as_int", 0}}, many = {{"as_int", int64_t{1} << 40}};
  EXPECT_THAT(with([&](json& all) {
                all["first.weight"]["tensor_meta"]["strides"][0] = zero;
                all["first.weight"]["tensor_meta"]["sizes"][0] = many;
              }),
              HasSubstr("reach beyond"));
  EXPECT_THAT(with([&](json& all) {
                for (int i = 0; i < 270; ++i) {
                  json& copy = all["copy" + std::to_string(i)] = all["second.weight"];
                  copy["tensor_meta"]["sizes"][0] = {{"as_int", 7}};
                  copy["tensor_meta"]["storage_offset"] = {{"as_int", i % 30}};
                  copy["tensor_meta"]["strides"][1] = {{"as_int", i / 30}};
                }
              }),
              HasSubstr("overlap"));
}

TEST_F(Exported, APathOfModulesOfAnyLengthIsRefused) {
  EXPECT_THAT(changed_model("convolutions.pt2",
                            [](json& model) {
                              std::string path = "0";
                              for (int i = 0; i < 1000; ++i) path += ".0";
                              node(model, "torch.ops.aten.relu.default")["metadata"]["nn_module_stack"] =
                                  "L," + path + ",M";
                            }),
              HasSubstr("paths of modules"));
}

TEST_F(Exported, AValueThatDependsOnItselfIsRefused) {
  EXPECT_THAT(changed_model("convolutions.pt2",
                            [&](json& model) {
                              json& relu = node(model, "torch.ops.aten.relu.default");
                              relu["inputs"][0]["arg"]["as_tensor"]["name"] =
                                  relu["outputs"][0]["as_tensor"]["name"];
                            }),
              HasSubstr("computed before it is read"));
}

}  // namespace
}  // namespace lodestone::testing
