#pragma once

#include "trainer/losses/loss.h"
#include "trainer/negatives/solvers/term_form.h"

// Shapes: n rows of a set.

namespace lodestone {

/// The sums over negatives of a set's rows, as far as this rank has got: Σ f, or for kLogExp Σ exp(f - shift), which can't
/// overflow. Float64.
struct NegativeSums {
  NegativeSums(const TermForm& form, const RowSet& set);

  /// Joins what another rank or another block found for the same rows.
  void add(const NegativeSums& other);
  /// Joins over the ranks of a group that each saw other refs. Collective: 2 all-reduces (kPlain: 1) of n numbers.
  void reduce(const Group& group);
  /// Σ f, or log Σ exp f (-inf without terms).
  at::Tensor value() const;

  at::Tensor all_4n;  ///< the next four
  at::Tensor sum_n;
  at::Tensor active_n;       ///< terms above 0; kPlain only
  at::Tensor count_n;        ///< negatives, those that a miner drops left out
  at::Tensor same_sample_n;  ///< pairs that are no negatives only because they show the same sample
  at::Tensor shift_n;        ///< undefined for kPlain
};

/// Which pairs of an anchor a pair miner keeps, in terms of the loss's value; undefined members keep all.
struct PairFilter {
  double direction = 1;           ///< +1 if a larger value is closer, -1 if a smaller one is
  at::Tensor negative_floor_n;    ///< kept: direction · value above it
  at::Tensor positive_ceiling_n;  ///< kept: direction · value below it
};

/// The loss's values of a worker's tile: scale · measure + bias. So they stand in kept tiles, unless form.stays; entries of pairs
/// that are not negatives are anything.
at::Tensor& loss_value(const PairLoss& loss, Worker& worker);

/// Pass 1: adds the negatives of a block to the sums of its rows, and of its refs if block.to_refs.
/// Cost      one product of 2·r·c·D flops (half for a square block) and an exp per pair
void fold_negatives(const PairLoss& loss, const TermForm& form, const Block& block, NegativeSums* rows,
                    NegativeSums* refs, const PairFilter* row_filter = nullptr,
                    const PairFilter* ref_filter = nullptr);

/// The largest direction · value over negatives of each row, into nearest_n (-inf without any): what a pair miner needs.
void fold_nearest(const PairLoss& loss, const Block& block, double direction, at::Tensor* rows,
                  at::Tensor* refs);

/// Pass 2: given c_n = dL/d(sum over negatives) of each row and ref (undefined: none, not an anchor), adds the exact two-way
/// gradient Σ_j (w_ij + w_ji) dvalue/du_i to the rows' gradient and, if block.to_refs, to the refs'. For kLogExp the sums'
/// values must be given too. Gradients have the rows of the block's parts. Returns, when wanted, Σ dL/dvalue over the pairs of
/// the block, halved for pairs that are met twice, so that it adds up over tiles, blocks and ranks.
/// Cost      two products of 2·r·c·D flops (three with refs; 1.5 for a square block) and an exp per pair
struct AnchorSide {
  at::Tensor coefficient_n, sum_n;
  const PairFilter* filter = nullptr;
};
double add_negative_gradient(const PairLoss& loss, const TermForm& form, const Block& block,
                             const AnchorSide& rows, const AnchorSide& refs,
                             const at::Tensor& row_gradient_nD, const at::Tensor& ref_gradient_nD,
                             bool want_weight_sum);

}  // namespace lodestone
