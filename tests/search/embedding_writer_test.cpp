#include "trainer/search/embedding_writer.h"

#include <ATen/ops/arange.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/files.h"

namespace lodestone {
using namespace eval;
using namespace search;
namespace {

at::Tensor matrix(int64_t rows) {
  return at::arange(rows * 3, at::kFloat).view({rows, 3}).div(7).contiguous();
}

std::vector<EmbeddedRow> named(int64_t rows) {
  std::vector<EmbeddedRow> all;
  for (int64_t i = 0; i < rows; ++i)
    all.push_back({"file " + std::to_string(i) + " \"x\".png", "class" + std::to_string(i % 2),
                   i % 3 == 0 ? "" : "text \n " + std::to_string(i),
                   i % 4 == 0 ? "" : "thumbnail" + std::to_string(i)});
  return all;
}

class Writer : public ::testing::TestWithParam<const char*> {
 protected:
  EmbeddingPlan plan(const std::string& name) const {
    return {folder_.path() / (name + GetParam()), 10, 3, {{"likeness", "cosine"}, {"model", "m"}}};
  }
  static void append(EmbeddingWriter& writer, int64_t begin, int64_t end) {
    const auto rows = named(10);
    writer.append(matrix(10).narrow(0, begin, end - begin),
                  std::span(rows).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
  }
  TempFolder folder_;
};

TEST_P(Writer, ContinuesWhereItsPlaceWasSaved) {
  EmbeddingWriter whole(plan("whole"));
  append(whole, 0, 10);
  whole.finish();
  {
    EmbeddingWriter first(plan("parts"));
    append(first, 0, 4);
    first.save_place();
    append(first, 4, 6);  // lost: the process ends before the next place
  }
  EXPECT_FALSE(std::filesystem::exists(plan("parts").output));
  EmbeddingWriter second(plan("parts"));
  EXPECT_EQ(second.done(), 4);
  append(second, 4, 10);
  second.finish();
  EXPECT_EQ(read_file(plan("parts").output), read_file(plan("whole").output));
  EXPECT_FALSE(std::filesystem::exists(plan("parts").output.string() + ".place"));
  if (plan("x").output.extension() != ".jsonl") {
    EXPECT_EQ(read_file(rows_beside(plan("parts").output)), read_file(rows_beside(plan("whole").output)));
  }
}

TEST_P(Writer, ReplacesNoFolderPipeOrDevice) {
  ASSERT_EQ(::mkfifo(plan("pipe").output.c_str(), 0600), 0);
  std::filesystem::create_directory(plan("folder").output);
  for (const char* name : {"pipe", "folder"}) EXPECT_THROW(EmbeddingWriter{plan(name)}, ConfigError) << name;
  EXPECT_TRUE(std::filesystem::is_fifo(plan("pipe").output));
}

TEST_P(Writer, SaysHowManyRowsAreLeftWhereSomeAreLeftOut) {
  {
    EmbeddingWriter first(plan("parts"));
    append(first, 0, 4);
    first.append(matrix(0), {}, 1);
    first.save_place();
  }
  EmbeddingWriter second(plan("parts"));
  EXPECT_EQ(second.done(), 5);
  EXPECT_EQ(second.left_out(), 1);
  append(second, 5, 10);
  second.finish();
  EmbeddingPlan nine = plan("nine");
  nine.rows = 9;
  EmbeddingWriter whole(nine);
  append(whole, 0, 4);
  append(whole, 5, 10);
  whole.finish();
  const std::string parts = read_file(plan("parts").output), wanted = read_file(nine.output);
  EXPECT_EQ(parts.substr(parts.size() - 200), wanted.substr(wanted.size() - 200));
  if (nine.output.extension() == ".safetensors") {
    const Embeddings found = read_embeddings(plan("parts").output);
    EXPECT_EQ(found.z_ND.size(0), 9);
    EXPECT_EQ(found.rows_N[4], named(10)[5]);
    EXPECT_TRUE(found.z_ND.equal(read_embeddings(nine.output).z_ND));
  }
  if (nine.output.extension() == ".npy") {
    EXPECT_EQ(parts, wanted);
  }
}

TEST_P(Writer, StartsAgainForOtherSamplesOrSettings) {
  EmbeddingPlan one = plan("parts"), other = plan("parts");
  one.input = "these in this order";
  other.input = "these in another order";
  {
    EmbeddingWriter first(one);
    append(first, 0, 4);
    first.save_place();
  }
  EXPECT_EQ(EmbeddingWriter(other).done(), 0);
}

TEST_P(Writer, StartsAgainForAnotherModel) {
  {
    EmbeddingWriter first(plan("parts"));
    append(first, 0, 4);
    first.save_place();
  }
  EmbeddingPlan other = plan("parts");
  other.about["model"] = "another";
  EXPECT_EQ(EmbeddingWriter(other).done(), 0);
}

INSTANTIATE_TEST_SUITE_P(Formats, Writer, ::testing::Values(".safetensors", ".npy", ".jsonl"),
                         [](const auto& format) { return std::string(format.param).substr(1); });

TEST(Embeddings, ComeBackAsTheyWereWritten) {
  const TempFolder folder;
  const auto file = folder.path() / "e.safetensors";
  EmbeddingWriter writer({file, 10, 3, {{"likeness", "l2"}}});
  const auto rows = named(10);
  writer.append(matrix(10), rows);
  writer.finish();
  const Embeddings found = read_embeddings(file);
  EXPECT_TRUE(found.z_ND.equal(matrix(10)));
  EXPECT_EQ(found.rows_N, rows);
  EXPECT_EQ(found.similarity(), Similarity::kL2);

  write_embeddings(folder.path() / "g.safetensors", found);
  const Embeddings again = read_embeddings(folder.path() / "g.safetensors");
  EXPECT_EQ(again.rows_N, rows);
  EXPECT_EQ(again.about, found.about);
}

TEST(Embeddings, RefuseWhatDoesNotFit) {
  const TempFolder folder;
  const auto file = folder.path() / "e.safetensors";
  EmbeddingWriter writer({file, 10, 3, {}});
  writer.append(matrix(10), named(10));
  writer.finish();
  write_file_atomic(rows_beside(file), row_line({"one"}));
  EXPECT_THROW(read_embeddings(file), DataError);
  write_file_atomic(rows_beside(file), "{\"id\": 3}\n");
  EXPECT_THROW(read_embeddings(file), DataError);
  write_file_atomic(file, "no safetensors");
  EXPECT_THROW(read_embeddings(file), DataError);
  EXPECT_THROW(EmbeddingWriter({folder.path() / "e.txt", 1, 1, {}}), ConfigError);
}

}  // namespace
}  // namespace lodestone
