#pragma once

#include "trainer/losses/loss.h"
#include "trainer/negatives/solvers/term_form.h"

// Shapes: n rows of a set.

namespace lodestone::negatives {

/// Accumulates the sums over negatives of a set's rows: Σ f, or for kLogExp Σ exp(f - shift), which cannot
/// overflow. Float64.
struct NegativeSums {
  NegativeSums(const TermForm& form, const RowSet& set);

  /// Adds the sums of another rank or block for the same rows.
  void add(const NegativeSums& other);
  /// Adds the sums of all ranks of a group, each of which saw other references.
  /// Ranks     collective: 2 all-reduces (kPlain: 1) of n numbers
  void reduce(const distributed::Group& group);
  /// Σ f, or log Σ exp f (-inf without terms).
  at::Tensor value() const;

  at::Tensor all_4n;  ///< the storage of the next four
  at::Tensor sum_n;
  at::Tensor active_n;       ///< terms above 0; kPlain only
  at::Tensor count_n;        ///< number of negatives, without those that a miner drops
  at::Tensor same_sample_n;  ///< number of pairs that are no negatives only because they show the same sample
  at::Tensor shift_n;        ///< undefined for kPlain
};

/// The pairs of an anchor that a pair miner keeps, in terms of the loss's value; an undefined member keeps
/// all.
struct PairFilter {
  double direction = 1;               ///< +1 if a larger value is closer, -1 if a smaller one is
  at::Tensor negative_lower_bound_n;  ///< keeps negatives with direction · value above it
  at::Tensor positive_upper_bound_n;  ///< keeps positives with direction · value below it
};

/// The values of a worker's tile, scale · measure + bias. Kept tiles hold the values too, unless form.stays.
/// Entries of pairs that are not negatives are undefined.
at::Tensor& loss_value(const losses::PairLoss& loss, Worker& worker);

/// Pass 1: adds the negatives of a block to the sums of its rows, and of its references if
/// block.to_references.
/// Cost      one product of 2·r·c·D flops (half for a square block) and an exp per pair
void fold_negatives(const losses::PairLoss& loss, const TermForm& form, const Block& block,
                    NegativeSums* rows, NegativeSums* references, const PairFilter* row_filter = nullptr,
                    const PairFilter* reference_filter = nullptr);

/// Raises nearest_n to the largest direction · value over the negatives of each row (-inf if there are none),
/// for pair miners.
void fold_nearest(const losses::PairLoss& loss, const Block& block, double direction, at::Tensor* rows,
                  at::Tensor* references);

/// One side of a block in pass 2: coefficient_n is dL/d(sum over negatives) of each row (undefined if the
/// rows are no anchors), sum_n the value of the sum (required for kLogExp).
struct AnchorSide {
  at::Tensor coefficient_n, sum_n;
  const PairFilter* filter = nullptr;
};
/// Pass 2: adds the exact two-way gradient Σ_j (w_ij + w_ji) dvalue/du_i to the rows' gradient and, if
/// block.to_references, to that of the references. Returns, if wanted, Σ dL/dvalue over the pairs of the
/// block, halved for pairs that are visited twice, so that it adds up over tiles, blocks and ranks; else 0.
/// Shapes    gradients have the rows of the block's parts
/// Cost      two products of 2·r·c·D flops (three with references; 1.5 for a square block) and an exp per
///           pair
double add_negative_gradient(const losses::PairLoss& loss, const TermForm& form, const Block& block,
                             const AnchorSide& rows, const AnchorSide& references,
                             const at::Tensor& row_gradient_nD, const at::Tensor& reference_gradient_nD,
                             bool want_weight_sum);

}  // namespace lodestone::negatives
