#pragma once

#include "trainer/losses/loss.h"
#include "trainer/negatives/solvers/negative_sums.h"

// Shapes: n rows of a set, k columns of sums, p pairs.

namespace lodestone::negatives {

/// Accumulates the sums over positives of a set's rows; kLogExp as Σ exp(g - shift). Float64.
struct PositiveSums {
  PositiveSums(const std::vector<losses::Sum>& kinds, const RowSet& set);
  void add_pairs(const at::Tensor& row_p, const at::Tensor& term_pk);
  /// Adds the sums of another block for the same rows.
  void add(const PositiveSums& other);
  /// Adds the sums of all ranks of a group, each of which saw other references.
  /// Ranks     collective: 2 all-reduces of n·k numbers and one of n
  void reduce(const distributed::Group& group);
  at::Tensor value() const;  ///< [n,k]

  std::vector<losses::Sum> kinds;
  at::Tensor sum_nk, shift_nk, count_n;
  bool fresh = true;  ///< nothing has been added
};

/// The data of one end of positive pairs in its role as anchor.
struct PositiveSide {
  at::Tensor negative_n;  ///< sums over negatives of its set
  const PairFilter* filter = nullptr;
  at::Tensor coefficient_nk;  ///< dL/d(sums over positives)
  at::Tensor positive_nk;     ///< values of the sums over positives
};

/// Adds the positives of a block's rows to `sums`. Values are formed in float64 from the rows themselves.
/// Cost      p·D
void fold_positives(const losses::PairLoss& loss, const Block& block, const PositiveSide& rows,
                    const PositiveSide& references, PositiveSums& sums);

/// Lowers farthest_n to the smallest direction · value over the positives of each row (+inf if there are
/// none), for pair miners.
void fold_farthest(const losses::Loss& loss, const Block& block, double direction, at::Tensor& farthest_n);

/// The outputs of add_positive_gradient; undefined members are skipped. Gradients by rows belong to the
/// block's parts, gradients by sums to its sets.
struct PositiveGradient {
  at::Tensor rows_nD, references_nD;
  at::Tensor row_negative_n, reference_negative_n;  ///< dL/d(sums over negatives), float64
  bool want_weight_sum = false;
  double weight_sum = 0;  ///< Σ dL/dvalue over the pairs of these blocks
};

/// Adds the two-way gradient of the positive pairs of a block: dL/dv with the row as anchor (if
/// `rows.coefficient_nk` is defined) and with the reference as anchor (if `references.coefficient_nk` is).
void add_positive_gradient(const losses::PairLoss& loss, const Block& block, const PositiveSide& rows,
                           const PositiveSide& references, PositiveGradient& gradient);

}  // namespace lodestone::negatives
