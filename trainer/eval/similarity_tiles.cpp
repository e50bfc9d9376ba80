#include "trainer/eval/similarity_tiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>

#include "common/parallel.h"
#include "common/products.h"
#include "common/simd.h"

namespace lodestone::eval {

namespace {

constexpr int64_t kBlock = 32;

// Rounds towards the side that loses no candidate in a comparison in float32.
float rounded_down(double bar) {
  return std::nextafter(static_cast<float>(bar), -std::numeric_limits<float>::infinity());
}

// The first column from `from` on where the tile reaches bar(column), or `width`. NaN reaches any bar. Most
// blocks contain no candidate; within one there is no early exit, so that the compiler compares many values
// at once.
template <typename Bar>
int64_t first_reaching(const float* tile_G, int64_t from, int64_t width, Bar bar) {
  for (; from + kBlock <= width; from += kBlock) {
    int reached = 0;
    for (int64_t k = from; k < from + kBlock; ++k) reached |= tile_G[k] < bar(k) ? 0 : 1;
    if (reached != 0) break;
  }
  while (from < width && tile_G[from] < bar(from)) ++from;
  return from;
}

LODESTONE_CLONES int64_t first_reaching_one(const float* tile_G, int64_t from, int64_t width, float bar) {
  return first_reaching(tile_G, from, width, [bar](int64_t) { return bar; });
}

// A bar for each column, higher by `missing`.
LODESTONE_CLONES int64_t first_reaching_own(const float* tile_G, int64_t from, int64_t width,
                                            const float* bars_G, float missing) {
  return first_reaching(tile_G, from, width, [bars_G, missing](int64_t k) { return bars_G[k] + missing; });
}

// The bound of the difference between a proposed and a true score. The error of a float32 dot product is
// below c·u·|x||y|, u = 2^-24, c = min(D, 8 sqrt D): the classical bound, or the probabilistic one (Higham &
// Mary 2019, λ = 8, failing once in 10^13). The additional 8 cover the further terms and their rounding.
double slack(double query_length, double longest, const ComparableRows& gallery) {
  const double width = static_cast<double>(gallery.width());
  const double relative = (std::min(width, 8 * std::sqrt(width)) + 8) * 0x1.0p-24;
  const double size = query_length + longest;
  return gallery.similarity() == Similarity::kCosine ? relative * query_length * longest
                                                     : relative * size * size;
}

}  // namespace

SimilarityTiles::SimilarityTiles(const NeighbourSearch& search) : s_(search) {
  const auto& norms = s_.gallery.squared_norms();
  double longest = 0;
  for (double norm : norms) longest = std::max(longest, norm);
  longest = std::sqrt(longest);
  for (double norm : s_.queries.squared_norms())
    slack_Q_.push_back(slack(std::sqrt(norm), longest, s_.gallery));
  if (s_.gallery.similarity() == Similarity::kCosine) return;
  doubled_QD_ = s_.queries.tensor() * 2;
  bias_N_.reserve(norms.size());
  for (double norm : norms) bias_N_.push_back(static_cast<float>(-norm));
}

at::Tensor SimilarityTiles::propose(ItemRange queries, ItemRange gallery) const {
  const int64_t width = gallery.end - gallery.begin;
  const at::Tensor g_GD = s_.gallery.tensor().narrow(0, gallery.begin, width);
  const at::Tensor& q_QD = bias_N_.empty() ? s_.queries.tensor() : doubled_QD_;
  const at::Tensor q_TD = q_QD.narrow(0, queries.begin, queries.end - queries.begin);
  if (bias_N_.empty()) return products_of_rows(q_TD, g_GD);
  // from_blob takes no const pointer; the bias is only read.
  return products_of_rows(
      q_TD, g_GD, at::from_blob(const_cast<float*>(bias_N_.data() + gallery.begin), {width}, at::kFloat));
}

// The least proposal of a score that can enter the list.
double SimilarityTiles::lowest(int64_t query, const Shortlist& list) const {
  return list.bar() - slack_Q_[static_cast<size_t>(query)];
}

void SimilarityTiles::consider(int64_t query, int64_t row, Shortlist& list) const {
  if (s_.first_self && *s_.first_self + query == row) return;
  const double exact = score(s_.queries, query, s_.gallery, row);
  if (exact < list.bar()) return;
  const bool relevant =
      s_.gallery_groups[static_cast<size_t>(row)] == s_.query_groups[static_cast<size_t>(query)];
  list.offer({exact, row, relevant});
}

void SimilarityTiles::fold_row(const float* tile_G, int64_t query, ItemRange gallery, Shortlist& list) const {
  const int64_t width = gallery.end - gallery.begin;
  // The tile lacks -|x|² of its row.
  const double missing = bias_N_.empty() ? 0.0 : s_.queries.squared_norms()[static_cast<size_t>(query)];
  float current = rounded_down(lowest(query, list) + missing);
  for (int64_t j = 0; (j = first_reaching_one(tile_G, j, width, current)) < width; ++j) {
    consider(query, gallery.begin + j, list);
    current = rounded_down(lowest(query, list) + missing);
  }
}

void SimilarityTiles::fold_rows(const at::Tensor& tile_TG, ItemRange queries, ItemRange gallery,
                                std::span<Shortlist> lists) const {
  const float* tile = tile_TG.const_data_ptr<float>();
  const int64_t width = gallery.end - gallery.begin;
  parallel_ranges(queries.end - queries.begin, 16, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      fold_row(tile + t * width, queries.begin + t, gallery, lists[static_cast<size_t>(t)]);
  });
}

void SimilarityTiles::fold_columns(const at::Tensor& tile_TG, ItemRange queries, ItemRange gallery,
                                   std::span<Shortlist> lists) const {
  const int64_t width = gallery.end - gallery.begin;
  std::vector<float> bars_G;
  for (int64_t g = 0; g < width; ++g)
    bars_G.push_back(rounded_down(lowest(gallery.begin + g, lists[static_cast<size_t>(g)])));
  for (int64_t t = queries.begin; t < queries.end; ++t) {
    const float* tile_G = tile_TG.const_data_ptr<float>() + (t - queries.begin) * width;
    const float missing = bias_N_.empty() ? 0.0F : -bias_N_[static_cast<size_t>(t)];
    for (int64_t g = 0; (g = first_reaching_own(tile_G, g, width, bars_G.data(), missing)) < width; ++g) {
      Shortlist& list = lists[static_cast<size_t>(g)];
      consider(gallery.begin + g, t, list);
      bars_G[static_cast<size_t>(g)] = rounded_down(lowest(gallery.begin + g, list));
    }
  }
}

}  // namespace lodestone::eval
