#pragma once

#include "trainer/losses/loss.h"
#include "trainer/negatives/solvers/negative_sums.h"

// Shapes: n rows of a set, k columns of sums, p pairs.

namespace lodestone {

/// The sums over positives of a set's rows, as far as this rank has got; kLogExp as Σ exp(g - shift). Float64.
struct PositiveSums {
  PositiveSums(const std::vector<Sum>& kinds, const RowSet& set);
  void add_pairs(const at::Tensor& row_p, const at::Tensor& term_pk);
  /// Joins what was found in another block for the same rows.
  void add(const PositiveSums& other);
  /// Joins over the ranks of a group that each saw other refs. Collective: 2 all-reduces of n·k numbers.
  void reduce(const Group& group);
  at::Tensor value() const;  ///< [n,k]

  std::vector<Sum> kinds;
  at::Tensor sum_nk, shift_nk, count_n;
  bool fresh = true;  ///< nothing was added yet
};

/// What one end of a positive pair is as an anchor.
struct PositiveSide {
  at::Tensor negative_n;  ///< the sums over negatives of its set
  const PairFilter* filter = nullptr;
  at::Tensor coefficient_nk;  ///< dL/d(sums over positives)
  at::Tensor positive_nk;     ///< their values
};

/// Adds the positives of a block's rows to `sums`. Values are formed in float64 from the rows themselves.
/// Cost      p·D
void fold_positives(const PairLoss& loss, const Block& block, const PositiveSide& rows,
                    const PositiveSide& refs, PositiveSums& sums);

/// The smallest direction · value over positives of each row, into farthest_n (+inf without any): what a pair miner needs.
void fold_farthest(const Loss& loss, const Block& block, double direction, at::Tensor& farthest_n);

/// Where the gradient of positive pairs goes; undefined members are not wanted. Gradients in rows belong to the block's parts,
/// those in sums to its sets.
struct PositiveGradient {
  at::Tensor rows_nD, refs_nD;
  at::Tensor row_negative_n, ref_negative_n;  ///< dL/d(sums over negatives), float64
  bool want_weight_sum = false;
  double weight_sum = 0;  ///< Σ dL/dvalue over the pairs as met here
};

/// Adds the two-way gradient of the positive pairs of a block: dL/dv with the row as anchor (if `rows.coefficient_nk` is
/// defined) and with the ref as anchor (if `refs.coefficient_nk` is).
void add_positive_gradient(const PairLoss& loss, const Block& block, const PositiveSide& rows,
                           const PositiveSide& refs, PositiveGradient& gradient);

}  // namespace lodestone
