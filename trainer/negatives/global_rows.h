#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "distributed/group.h"
#include "trainer/losses/loss.h"

// Shapes: b rows of this rank, B of the global batch, D width of the embedding.

namespace lodestone {

/// This rank's rows of the global batch; b may be 0.
struct LocalRows {
  at::Tensor z_bD;    ///< embeddings as the encoder gave them, detached
  at::Tensor label_b; ///< int64: rows of one label are positives of each other
  at::Tensor group_b; ///< int64: rows of one group (a label and its look-alikes) are never negatives
  at::Tensor id_b;    ///< int64: rows of one sample are never negatives
};

/// The global batch as every rank sees it after one all-gather, rows in rank order.
/// Ranks     construction is collective.
/// Cost      3 all-gathers: 8 bytes, b·D floats and b·3 integers; memory B·D
struct GlobalRows {
  GlobalRows(const Group& group, const LocalRows& local, bool normalize);

  std::vector<int64_t> counts;  ///< rows of each rank
  int64_t first = 0;            ///< global index of this rank's first row
  int64_t local = 0;            ///< b
  at::Tensor u_BD;              ///< normalised if asked for
  at::Tensor label_B, group_B, id_B;
  at::Tensor rank_B;            ///< a row's place among the rows of its label, by global index
  int64_t max_positives = 0;    ///< of any row

  int64_t size() const { return u_BD.size(0); }
  at::Tensor local_rows() const { return u_BD.narrow(0, first, local); }
  /// Masks of anchors [row, row+rows) against refs [column, column+columns), global indices; value_rc is left undefined.
  Tile masks(int64_t row, int64_t rows, int64_t column, int64_t columns) const;
};

/// u = z/|z| (rows of norm 0 stay 0), and its chain rule: dL/dz = (g - (g·u) u)/|z|.
at::Tensor normalised(const at::Tensor& z_bD);
at::Tensor normalised_gradient(const at::Tensor& gradient_bD, const at::Tensor& z_bD);

}  // namespace lodestone
