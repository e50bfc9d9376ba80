#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "distributed/group.h"

// Shapes: b rows of this rank, n of a set, D width of the embedding.

namespace lodestone::negatives {

/// This rank's rows of the global batch; b may be 0.
struct LocalRows {
  at::Tensor z_bD;     ///< embeddings as the encoder returned them, detached
  at::Tensor label_b;  ///< int64: rows of one label are positives of each other
  at::Tensor group_b;  ///< int64: rows of one group (a label and its look-alikes) are never negatives
  at::Tensor id_b;     ///< int64: rows of one sample are never negatives
};

/// How rows are exchanged, and in which precision they are compared.
struct Exchange {
  bool ring = false;  ///< pass embeddings around a ring, W-1 times per pass, instead of holding all of them
  bool bf16_wire = false;  ///< round embeddings to bfloat16, own rows too: all ranks see the same rows
  /// round them too, and compute products of float32 rows from bfloat16 with float32 sums
  bool bf16_products = false;

  bool rounds() const { return bf16_wire || bf16_products; }
};

/// Rows that pairs are formed of: a tower of the global batch, or this rank's shard of a memory or of the
/// proxies.
struct RowSet {
  at::Tensor u_nD;     ///< all rows; with a ring, and in a shard, only this rank's
  at::Tensor half_nD;  ///< the same in bfloat16, if products use it
  at::Tensor label_n, group_n, id_n;
  std::vector<int64_t> counts;  ///< rows of each rank; {n} for a shard
  int64_t first = 0;            ///< index of this rank's first row
  int64_t local = 0;            ///< number of this rank's rows
  bool ring = false;
  double longest = 0;  ///< an upper bound of the rows' norms, on all ranks

  int64_t size() const { return label_n.size(0); }
  at::Tensor local_rows() const { return ring ? u_nD : u_nD.narrow(0, first, local); }
};

/// Gathers the global batch, rows in rank order.
/// Ranks     collective
/// Cost      3 all-gathers: 8 bytes, b·D floats (none with a ring; 2 bytes each if rounded) and b·3 integers;
///           without normalisation an all-reduce of one number; memory n·D (b·D with a ring)
RowSet gather_row_set(const distributed::Group& group, const LocalRows& local, bool normalize,
                      const Exchange& exchange = {});

/// Makes a shard that only this rank holds, with products in float32.
RowSet shard_rows(const at::Tensor& u_nD, const at::Tensor& label_n, const at::Tensor& group_n,
                  const at::Tensor& id_n);

/// The set with its rows rounded to bfloat16, for products in bfloat16.
RowSet rounded_to_bf16(RowSet set);

/// u = z/|z| (rows of norm 0 stay 0), and its chain rule: dL/dz = (g - (g·u) u)/|z|.
at::Tensor normalised(const at::Tensor& z_bD);
at::Tensor normalised_gradient(const at::Tensor& gradient_bD, const at::Tensor& z_bD);

}  // namespace lodestone::negatives
