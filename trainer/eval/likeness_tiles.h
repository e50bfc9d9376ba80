#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/eval/neighbours.h"
#include "trainer/eval/shortlist.h"

namespace lodestone {

/// Tiles of rounded likenesses, queries by gallery rows, and how they come into shortlists: whatever rounding could lift into a list
/// is scored again in float64 (rows.h), so that the lists depend on no tile, routine or order.
/// Threads   const methods are safe concurrently, on different shortlists
class LikenessTiles {
 public:
  /// `search` outlives this.
  explicit LikenessTiles(const NeighbourSearch& search);

  /// Rounded x·y, or 2 x·y - |y|² for kL2 (to which the query would add -|x|²).
  at::Tensor propose(Stretch queries, Stretch gallery) const;

  /// Offers each query the gallery rows of the tile: lists[t] is that of query queries.begin + t.
  void fold_rows(const at::Tensor& tile_TG, Stretch queries, Stretch gallery,
                 std::span<Shortlist> lists) const;

  /// The same tile seen from the other side, where queries and gallery are the same rows: offers gallery row g, as a query, the rows
  /// that are `queries` here; lists[g] is that of row gallery.begin + g.
  void fold_columns(const at::Tensor& tile_TG, Stretch queries, Stretch gallery,
                    std::span<Shortlist> lists) const;

 private:
  double lowest(int64_t query, const Shortlist& list) const;
  void consider(int64_t query, int64_t row, Shortlist& list) const;
  void fold_row(const float* tile_G, int64_t query, Stretch gallery, Shortlist& list) const;

  const NeighbourSearch& s_;
  at::Tensor doubled_QD_;        // kL2: the queries times two
  std::vector<float> bias_N_;    // kL2: -|y|²
  std::vector<double> slack_Q_;  // how far rounding may put a proposal off
};

}  // namespace lodestone
