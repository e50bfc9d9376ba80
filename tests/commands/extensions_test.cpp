// Losses, miners and encoders that a program adds to the library's.
#include "trainer/run/extensions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/yaml.h"
#include "support/texts.h"
#include "trainer/run/run_config.h"

namespace lodestone::testing {
using namespace encoders;
using namespace losses;
using namespace miners;
using namespace run;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Other names for implementations of the library.
std::unique_ptr<Loss> own_loss() {
  return loss_table().front().make();
}
std::unique_ptr<Miner> own_miner() {
  return miner_table().front().make();
}
std::unique_ptr<Encoder> own_encoder() {
  return encoder_table().front().make();
}

Extensions own() {
  Extensions own;
  own.losses = {{"own_loss", "a loss", own_loss}};
  own.miners = {{"own_miner", "a miner", own_miner}};
  own.encoders = {{"own_encoder", "pictures: an encoder", own_encoder, /*images=*/true},
                  {"own_words", "texts: an encoder", own_encoder, /*images=*/false, /*texts=*/true}};
  return own;
}

void read(const std::string& yaml, RunConfig& config) {
  read_run_config(parse_yaml(yaml, "run.yaml"), {}, "run", config);
}

std::string refusal(const Extensions& extensions) {
  return message_of<ConfigError>([&] { Tables{extensions}; });
}

TEST(Extensions, AreChosenByName) {
  RunConfig config{Tables(own())};
  read("loss: own_loss\nminer: own_miner\nencoder: {name: own_encoder, embedding: 5}", config);
  EXPECT_EQ(config.loss.name(), "own_loss");
  EXPECT_EQ(config.miner.name(), "own_miner");
  EXPECT_EQ(config.encoder.name(), "own_encoder");
  EXPECT_THAT(write_yaml([&](Fields& f) { config.visit(f); }), HasSubstr("embedding: 5"));
}

TEST(Extensions, AreTowersOfTheKindThatTheyRead) {
  RunConfig config{Tables(own())};
  read(
      "encoder: {name: two_tower, image: {name: own_encoder}, text: {name: own_words}}\nloss: clip\n"
      "sampler: {name: two_views}\ndata: {kind: image_texts}",
      config);
  EXPECT_THAT(message_of<ConfigError>([&] { read("encoder: {name: two_tower, text: own_encoder}", config); }),
              AllOf(HasSubstr("own_encoder"),
                    HasSubstr("known: torchscript, exported, bag_of_tokens, bert, own_words")));
}

TEST(Extensions, StandInReferenceAndSchema) {
  RunConfig config{Tables(own())}, plain{Tables()};
  const auto reference_of = [](RunConfig& one) {
    const auto visit = [&one](Fields& f) { one.visit(f); };
    return write_reference(visit) + write_schema(visit);
  };
  for (const char* name : {"own_loss", "own_miner", "own_encoder", "own_words"}) {
    EXPECT_THAT(reference_of(config), HasSubstr(name));
    EXPECT_THAT(reference_of(plain), Not(HasSubstr(name)));
  }
}

TEST(Extensions, AreNamedInMessagesAboutCombinations) {
  Extensions added = own();
  added.losses = {{"own_triplet", "a loss over rows of one batch", loss_table().back().make}};
  const auto reported = [&](const std::string& yaml) {
    RunConfig config{Tables(added)};
    return message_of<ConfigError>([&] {
      read_run_config(parse_yaml(yaml + "\ndata: {train: {path: folder}}", "run.yaml"), {}, "run", config,
                      ReadFor::kTraining);
    });
  };
  EXPECT_THAT(reported("loss: proxy_nca\nminer: batch_hard"),
              AllOf(HasSubstr("takes every pair of the global batch"), HasSubstr("own_miner")));
  EXPECT_THAT(reported("loss: triplet\nminer: multi_similarity"),
              AllOf(HasSubstr("picks pairs"), HasSubstr("own_miner")));
  EXPECT_THAT(reported("loss: proxy_nca\nmemory: {kind: xbm}"),
              AllOf(HasSubstr("memory needs a loss"), HasSubstr("or own_triplet")));
}

TEST(Extensions, OfARunAreNamedToAProgramWithoutThem) {
  RunConfig config{Tables()};
  const auto reported = message_of<ConfigError>(
      [&] { read_stored_config("loss: {name: own_loss}", "run/config.yaml", {}, config); });
  EXPECT_THAT(reported, AllOf(HasSubstr("run/config.yaml:1: loss.name: unknown name 'own_loss'"),
                              HasSubstr("; use the program that registers 'own_loss'")));
  EXPECT_THAT(message_of<ConfigError>([&] { read("loss: own_loss", config); }),
              HasSubstr("; or use the program that registers 'own_loss'"));
}

TEST(Extensions, HaveNamesOfTheirOwn) {
  Extensions twice = own(), builtin, automatic, tower, empty, idle;
  twice.losses.push_back(twice.losses.front());
  builtin.losses = {{"triplet", "a loss", own_loss}};
  automatic.miners = {{"auto", "a miner", own_miner}};
  tower.encoders = {{"two_tower", "an encoder", own_encoder}};
  empty.losses = {{"", "a loss", own_loss}};
  idle.encoders = {{"idle", "an encoder", {}}};
  EXPECT_THAT(refusal(twice), AllOf(HasSubstr("loss"), HasSubstr("'own_loss', which is taken")));
  EXPECT_THAT(refusal(builtin), HasSubstr("'triplet', which is taken"));
  EXPECT_THAT(refusal(automatic), AllOf(HasSubstr("miner"), HasSubstr("'auto', which is taken")));
  EXPECT_THAT(refusal(tower), AllOf(HasSubstr("encoder"), HasSubstr("'two_tower', which is taken")));
  EXPECT_THAT(refusal(empty), HasSubstr("complete its row"));
  EXPECT_THAT(refusal(idle), HasSubstr("'idle' without"));
  EXPECT_EQ(refusal(own()), "no error");
}

}  // namespace
}  // namespace lodestone::testing
