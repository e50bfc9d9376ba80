#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/eval/neighbours.h"
#include "trainer/eval/shortlist.h"

namespace lodestone::eval {

/// Computes tiles of similarities, rounded, queries by gallery rows, and adds them to shortlists. Every row
/// that rounding could lift into a list is scored again in float64 (rows.h), so the lists depend on no tile,
/// routine or order.
/// Threads   const methods are safe concurrently, on different shortlists
class SimilarityTiles {
 public:
  /// `search` must outlive the object.
  explicit SimilarityTiles(const NeighbourSearch& search);

  /// Returns rounded x·y, or for kL2 2 x·y - |y|², which lacks the query's -|x|².
  at::Tensor propose(ItemRange queries, ItemRange gallery) const;

  /// Adds the gallery rows of the tile to the list of each query: lists[t] is that of query queries.begin +
  /// t.
  void fold_rows(const at::Tensor& tile_TG, ItemRange queries, ItemRange gallery,
                 std::span<Shortlist> lists) const;

  /// The same tile from its other side, if queries and gallery are the same rows: gallery row g is the query,
  /// and the rows in `queries` are added to its list; lists[g] is that of row gallery.begin + g.
  void fold_columns(const at::Tensor& tile_TG, ItemRange queries, ItemRange gallery,
                    std::span<Shortlist> lists) const;

 private:
  double lowest(int64_t query, const Shortlist& list) const;
  void consider(int64_t query, int64_t row, Shortlist& list) const;
  void fold_row(const float* tile_G, int64_t query, ItemRange gallery, Shortlist& list) const;

  const NeighbourSearch& s_;
  at::Tensor doubled_QD_;        // kL2: the queries times two
  std::vector<float> bias_N_;    // kL2: -|y|²
  std::vector<double> slack_Q_;  // bound of a proposal's rounding error
};

}  // namespace lodestone::eval
