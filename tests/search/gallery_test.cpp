#include "trainer/search/gallery.h"

#include <cmath>
#include <future>

#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/file_lock.h"
#include "common/files.h"
#include "support/texts.h"

namespace lodestone {
using namespace search;
namespace {

using ::lodestone::testing::message_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Embeddings made(std::vector<EmbeddedRow> rows, std::vector<float> values, const std::string& model = "m") {
  const auto n = static_cast<int64_t>(rows.size());
  return {at::tensor(values).view({n, 2}), std::move(rows), {{"model", model}, {"likeness", "cosine"}}};
}

Embeddings two_people() {
  return made({{"a1", "anna"}, {"a2", "anna"}, {"b1", "bert"}}, {1, 0, 0.8F, 0.6F, 0, 1});
}

TEST(Gallery, FindsTheLikestPhotographOfEachIdentity) {
  const auto found = identify(two_people(), at::tensor({0.6F, 0.8F, 1.0F, 0.0F}).view({2, 2}), 5);
  ASSERT_EQ(found.size(), 2U);
  ASSERT_EQ(found[0].size(), 2U);
  EXPECT_EQ(found[0][0].name, "anna");
  EXPECT_EQ(found[0][0].photograph, "a2");
  EXPECT_NEAR(found[0][0].score, 0.96, 1e-6);
  EXPECT_NEAR(found[0][1].score, 0.8, 1e-6);
  EXPECT_EQ(found[1][0].photograph, "a1");
  EXPECT_EQ(identify(two_people(), at::tensor({0.0F, 1.0F}).view({1, 2}), 1)[0][0].name, "bert");
}

// Identities of very different sizes, and many equal scores: as if each identity were scored by itself.
TEST(Gallery, FindsIdentitiesBehindManyPhotographsOfOthers) {
  std::vector<EmbeddedRow> rows;
  std::vector<float> values;
  for (int i = 0; i < 400; ++i) {
    const int who = i < 300 ? 0 : i % 40;
    rows.push_back({std::to_string(i), "person" + std::to_string(who)});
    const double angle = who == 0 ? 0.0 : who % 5;
    values.push_back(static_cast<float>(std::cos(angle)));
    values.push_back(static_cast<float>(std::sin(angle)));
  }
  const Embeddings gallery = made(rows, values);
  const at::Tensor queries = at::tensor({1.0F, 0.0F, 0.0F, 1.0F}).view({2, 2});
  const auto all = identify(gallery, queries, 400);
  for (const int64_t k : {1, 2, 7, 39}) {
    const auto found = identify(gallery, queries, k);
    for (size_t q = 0; q < 2; ++q) {
      ASSERT_EQ(found[q].size(), static_cast<size_t>(k));
      for (size_t i = 0; i < found[q].size(); ++i) {
        EXPECT_EQ(found[q][i].name, all[q][i].name) << k << " " << i;
        EXPECT_EQ(found[q][i].photograph, all[q][i].photograph);
        EXPECT_EQ(gallery.rows_N[static_cast<size_t>(found[q][i].row)].id, found[q][i].photograph);
      }
    }
  }
  EXPECT_EQ(all[0].size(), 40U);
  EXPECT_EQ(all[0][0].name, "person0");
}

TEST(Gallery, ReplacesAPhotographThatComesAgain) {
  const Embeddings all = add_to_gallery(two_people(), made({{"a2", "anna"}, {"c1", "carl"}}, {0, -1, -1, 0}));
  std::vector<std::string> names;
  for (const Identity& identity : identities(all))
    names.push_back(identity.name + std::to_string(identity.photographs));
  EXPECT_THAT(names, ElementsAre("anna2", "bert1", "carl1"));
  EXPECT_EQ(identify(all, at::tensor({0.0F, -1.0F}).view({1, 2}), 1)[0][0].photograph, "a2");
  EXPECT_THROW(add_to_gallery(two_people(), made({{"c1", "carl"}}, {1, 0}, "another")), ConfigError);
  EXPECT_THROW(add_to_gallery(two_people(), made({{"c1", ""}}, {1, 0})), ConfigError);
}

TEST(Gallery, RemovesIdentitiesAndPhotographs) {
  EXPECT_EQ(remove_from_gallery(two_people(), "anna").size(), 1);
  EXPECT_EQ(remove_from_gallery(two_people(), "anna", "a1").size(), 2);
  const auto refused = [](const std::string& name, const std::string& photograph) {
    return message_of<DataError>([&] { remove_from_gallery(two_people(), name, photograph); });
  };
  EXPECT_THAT(refused("ana", ""),
              HasSubstr("got 'ana', which it does not have; did you mean 'anna'? it has anna, bert"));
  EXPECT_THAT(refused("zzzzzz", ""), HasSubstr("which it does not have; it has anna, bert"));
  EXPECT_THAT(refused("anna", "a3"),
              HasSubstr("a photograph of 'anna', got 'a3', which it does not have; did you mean"));
  EXPECT_TRUE(identities(remove_from_gallery(remove_from_gallery(two_people(), "anna"), "bert")).empty());
}

TEST(Gallery, LosesNothingToWritersAtOnce) {
  const TempFolder folder;
  const auto file = folder.path() / "g.safetensors";
  std::vector<std::future<void>> writers;
  for (int w = 0; w < 4; ++w)
    writers.push_back(std::async(std::launch::async, [&, w] {
      for (int i = 0; i < 5; ++i)
        update_gallery(file, [&](const std::optional<Embeddings>& before) {
          const Embeddings one = made({{std::to_string(i), "writer" + std::to_string(w)}}, {1, 0});
          return before ? add_to_gallery(*before, one) : one;
        });
    }));
  for (auto& writer : writers) writer.get();
  EXPECT_EQ(read_embeddings(file).size(), 20);
}

TEST(FileLock, GivesUpInTime) {
  const TempFolder folder;
  const FileLock held(folder.path() / "g");
  EXPECT_THROW(FileLock(folder.path() / "g", std::chrono::milliseconds(50)), IoError);
}

}  // namespace
}  // namespace lodestone
