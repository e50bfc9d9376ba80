#include "trainer/search/approximate_index.h"

#include <array>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/files.h"

extern "C" void sgemm_();

namespace lodestone {
using namespace eval;
using namespace search;
namespace {

Embeddings gallery_of(int64_t rows, int64_t width, const char* similarity = "cosine") {
  at::Generator draw = at::make_generator<at::CPUGeneratorImpl>(uint64_t{7});
  const at::Tensor centres = at::randn({rows / 20 + 1, width}, draw);
  at::Tensor z_ND =
      at::randn({rows, width}, draw) * 0.5 + centres.repeat_interleave(20, 0).narrow(0, 0, rows);
  if (std::string(similarity) == "cosine") z_ND = z_ND / z_ND.norm(2, {1}, true);
  Embeddings gallery{z_ND.contiguous(), {}, {{"likeness", similarity}}};
  for (int64_t i = 0; i < rows; ++i) gallery.rows_N.push_back({std::to_string(i), ""});
  return gallery;
}

class AnIndex : public ::testing::TestWithParam<std::tuple<IndexKind, const char*>> {};

TEST_P(AnIndex, FindsNearlyAllAndScoresAsExactSearchDoes) {
  const auto [kind, similarity] = GetParam();
  const Embeddings gallery = gallery_of(10'000, 16, similarity);
  const TempFolder folder;
  ApproximateIndex::build(gallery, kind).write(folder.path() / "index");
  const ApproximateIndex index = ApproximateIndex::read(folder.path() / "index", gallery);
  EXPECT_EQ(index.kind(), kind);
  EXPECT_GT(recalls_of(index, gallery, 10, 200, std::array{int64_t{0}}).front(),
            kind == IndexKind::kHnsw ? 0.97 : 0.75);
  // Every list is looked through, and nearly every row proposed: nothing can be missing.
  EXPECT_GT(recalls_of(index, gallery, 2'400, 5, std::array{int64_t{10'000}}).front(), 0.999);
  const ComparableRows rows(gallery.z_ND, gallery.similarity()),
      queries(gallery.z_ND.narrow(0, 0, 50), gallery.similarity());
  const auto found = index.nearest(queries, rows, 3);
  for (int64_t q = 0; q < 50; ++q) {
    ASSERT_EQ(found[static_cast<size_t>(q)].size(), 3u);
    EXPECT_EQ(found[static_cast<size_t>(q)].front().index, q);
    for (const Neighbour& one : found[static_cast<size_t>(q)])
      EXPECT_EQ(one.score, score(queries, q, rows, one.index));
    EXPECT_TRUE(std::is_sorted(found[static_cast<size_t>(q)].begin(), found[static_cast<size_t>(q)].end(),
                               ranks_before));
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, AnIndex,
                         ::testing::Combine(::testing::Values(IndexKind::kHnsw, IndexKind::kIvfPq),
                                            ::testing::Values("cosine", "l2")));

TEST(ApproximateIndex, GivesAllRowsOfASmallGalleryAndNoneWithoutQueries) {
  const Embeddings gallery = gallery_of(5, 8);
  const ApproximateIndex index = ApproximateIndex::build(gallery, IndexKind::kHnsw);
  const ComparableRows rows(gallery.z_ND, gallery.similarity());
  EXPECT_EQ(index.nearest(rows, rows, 10).front().size(), 5u);
  EXPECT_TRUE(
      index.nearest(ComparableRows(gallery.z_ND.narrow(0, 0, 0), gallery.similarity()), rows, 10).empty());
}

TEST(ApproximateIndex, RefusesWhatItsKindCannotHold) {
  EXPECT_THROW(ApproximateIndex::build(gallery_of(500, 16), IndexKind::kIvfPq), ConfigError);
  EXPECT_THROW(ApproximateIndex::build(gallery_of(10'000, 6), IndexKind::kIvfPq), ConfigError);
}

TEST(ApproximateIndex, RefusesDamageAndOtherRows) {
  const Embeddings gallery = gallery_of(50, 8), other = gallery_of(51, 8);
  const TempFolder folder;
  const auto file = folder.path() / "index";
  ApproximateIndex::build(gallery, IndexKind::kHnsw).write(file);
  EXPECT_THROW(ApproximateIndex::read(file, other), DataError);
  const std::string whole = read_file(file);
  for (size_t at = 0; at < whole.size(); at += 397) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    write_file_atomic(file, damaged);
    EXPECT_THROW(ApproximateIndex::read(file, gallery), Error) << "byte " << at;
    write_file_atomic(file, whole.substr(0, at));
    EXPECT_THROW(ApproximateIndex::read(file, gallery), Error) << "cut at " << at;
  }
  EXPECT_THROW(ApproximateIndex::read(folder.path() / "none", gallery), IoError);
}

// A BLAS of the distribution ahead of LibTorch would give every product of the program to it.
TEST(ApproximateIndex, LeavesTheProductsToLibTorch) {
  Dl_info info = {};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&sgemm_), &info), 0);
  EXPECT_NE(std::string(info.dli_fname).find("libtorch"), std::string::npos) << info.dli_fname;
}

}  // namespace
}  // namespace lodestone
