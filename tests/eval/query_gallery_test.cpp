#include "trainer/eval/query_gallery.h"

#include <ATen/ops/index_select.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "support/ranks.h"

namespace lodestone {
using namespace distributed;
using namespace eval;
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

void expect_same(const Retrieval& a, const Retrieval& b) {
  const Metrics found = a.metrics(), expected = b.metrics();
  for (const auto& [name, value] : expected.entries()) EXPECT_NEAR(*found.find(name), value, 1e-12) << name;
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
  Retrieval expected;
  for (int64_t q = 0; q < 30; ++q) {
    const LabelledRows others = picked(rows, [&](int64_t i) { return gallery(i) && i != q; });
    expected.queries.push_back(
        retrieve(picked(rows, [q](int64_t i) { return i == q; }), others).queries.front());
  }
  const Retrieval found = retrieve(rows, parts(query, gallery));
  expect_same(found, expected);
  for (size_t q = 0; q < 30; ++q) {
    EXPECT_EQ(found.queries[q].query, static_cast<int64_t>(q));
    EXPECT_TRUE(found.queries[q].lone() || found.queries[q].nearest >= 20);
  }
  testing::run_ranks(3, [&](const Group& group) {
    EXPECT_EQ(to_json(retrieve(rows, parts(query, gallery), {}, group).metrics()), to_json(found.metrics()));
  });
}

TEST(QueryGallery, RefusesWhatDoesNotFit) {
  const LabelledRows rows = random_rows();
  EXPECT_THROW(retrieve(rows, RetrievalParts{{true}, {true}}), Error);
  const auto no = [](int64_t) { return false; };
  EXPECT_THROW(retrieve(rows, parts([](int64_t) { return true; }, no)), Error);
}

}  // namespace
}  // namespace lodestone
