#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "distributed/group.h"

// Shapes: b rows of this rank, n of a set, D width of the embedding.

namespace lodestone {

/// This rank's rows of the global batch; b may be 0.
struct LocalRows {
  at::Tensor z_bD;     ///< embeddings as the encoder gave them, detached
  at::Tensor label_b;  ///< int64: rows of one label are positives of each other
  at::Tensor group_b;  ///< int64: rows of one group (a label and its look-alikes) are never negatives
  at::Tensor id_b;     ///< int64: rows of one sample are never negatives
};

/// How rows travel, and how exactly they are compared.
struct Exchange {
  bool ring =
      false;  ///< hand embeddings round in a ring, W-1 times per pass, in place of holding all of them
  bool bf16_wire =
      false;  ///< round embeddings to bfloat16, also where they stay: all ranks see the same rows
  bool bf16_products =
      false;  ///< round them likewise, and form products of float32 rows from bfloat16 with float32 sums

  bool rounds() const { return bf16_wire || bf16_products; }
};

/// Rows that pairs are made of: a tower of the global batch, or this rank's shard of a memory or of the proxies.
struct RowSet {
  at::Tensor u_nD;     ///< all rows; with a ring, and in a shard, only this rank's
  at::Tensor half_nD;  ///< the same in bfloat16, if products are formed of it
  at::Tensor label_n, group_n, id_n;
  std::vector<int64_t> counts;  ///< rows of each rank; of a shard {n}
  int64_t first = 0;            ///< index of this rank's first row
  int64_t local = 0;            ///< how many are this rank's
  bool ring = false;
  double longest = 0;  ///< no row of this set is longer, on any rank

  int64_t size() const { return label_n.size(0); }
  at::Tensor local_rows() const { return ring ? u_nD : u_nD.narrow(0, first, local); }
};

/// The global batch as every rank sees it, rows in rank order.
/// Ranks     collective.
/// Cost      3 all-gathers: 8 bytes, b·D floats (none with a ring) and b·3 integers; memory n·D (b·D with a ring)
RowSet gather_rows(const Group& group, const LocalRows& local, bool normalize, const Exchange& exchange = {});

/// A shard that no other rank holds, whose products are float32.
RowSet shard_rows(const at::Tensor& u_nD, const at::Tensor& label_n, const at::Tensor& group_n,
                  const at::Tensor& id_n);

/// The set with its rows rounded to bfloat16, for products of that.
RowSet rounded_to_bf16(RowSet set);

/// u = z/|z| (rows of norm 0 stay 0), and its chain rule: dL/dz = (g - (g·u) u)/|z|.
at::Tensor normalised(const at::Tensor& z_bD);
at::Tensor normalised_gradient(const at::Tensor& gradient_bD, const at::Tensor& z_bD);

}  // namespace lodestone
