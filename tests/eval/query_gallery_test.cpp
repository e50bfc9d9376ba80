#include "trainer/eval/query_gallery.h"

#include <ATen/ops/index_select.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "common/error.h"

namespace lodestone {
namespace {

constexpr int64_t kRows = 60;

LabelledRows random_rows() {
  LabelledRows rows{at::randn({kRows, 5}), {}};
  for (int64_t i = 0; i < kRows; ++i) rows.groups_N.push_back(i % 7);
  return rows;
}

RetrievalParts parts(auto is_query, auto is_gallery) {
  RetrievalParts out;
  for (int64_t i = 0; i < kRows; ++i) {
    out.is_query_N.push_back(is_query(i));
    out.is_gallery_N.push_back(is_gallery(i));
  }
  return out;
}

void expect_same(const RetrievalSums& a, const RetrievalSums& b) {
  EXPECT_EQ(a.queries, b.queries);
  for (size_t m = 0; m < a.sums.size(); ++m)
    EXPECT_NEAR(a.sums[m], b.sums[m], 1e-12) << RetrievalSums::kNames[m];
}

LabelledRows picked(const LabelledRows& rows, auto wanted) {
  std::vector<int64_t> indices;
  LabelledRows out;
  for (int64_t i = 0; i < kRows; ++i)
    if (wanted(i)) {
      indices.push_back(i);
      out.groups_N.push_back(rows.groups_N[static_cast<size_t>(i)]);
    }
  out.x_ND = rows.x_ND.index_select(0, at::tensor(indices, at::kLong));
  return out;
}

TEST(QueryGallery, AllDoingBothIsLeaveOneOut) {
  const LabelledRows rows = random_rows();
  const auto yes = [](int64_t) { return true; };
  EXPECT_TRUE(parts(yes, yes).all());
  expect_same(retrieve(rows, parts(yes, yes)), retrieve_leave_one_out(rows));
}

TEST(QueryGallery, ApartIsASearchOfOneSetInTheOther) {
  const LabelledRows rows = random_rows();
  const auto query = [](int64_t i) { return i % 3 == 0; };
  const auto gallery = [](int64_t i) { return i % 3 == 1; };
  EXPECT_FALSE(parts(query, gallery).all());
  expect_same(retrieve(rows, parts(query, gallery)), retrieve(picked(rows, query), picked(rows, gallery)));
}

TEST(QueryGallery, AQueryInTheGalleryIsNotItsOwnNeighbour) {
  const LabelledRows rows = random_rows();
  const auto query = [](int64_t i) { return i < 30; };
  const auto gallery = [](int64_t i) { return i >= 20; };
  // Each query by itself against the gallery without it.
  RetrievalSums expected;
  for (int64_t q = 0; q < 30; ++q)
    expected += retrieve(picked(rows, [q](int64_t i) { return i == q; }),
                         picked(rows, [&](int64_t i) { return gallery(i) && i != q; }));
  expect_same(retrieve(rows, parts(query, gallery)), expected);
}

TEST(QueryGallery, RefusesWhatDoesNotFit) {
  const LabelledRows rows = random_rows();
  EXPECT_THROW(retrieve(rows, RetrievalParts{{true}, {true}}), Error);
  const auto no = [](int64_t) { return false; };
  EXPECT_THROW(retrieve(rows, parts([](int64_t) { return true; }, no)), Error);
}

}  // namespace
}  // namespace lodestone
