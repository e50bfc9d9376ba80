#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "trainer/eval/pairs.h"

namespace lodestone::eval {

/// Alignment of positive pairs (Wang & Isola 2020, α = 2); 0 is best. NaN if there is no positive pair.
/// Math      mean of |u - v|² over positive pairs of unit rows
/// Requires  pairs scored with Similarity::kCosine
double alignment(const ScoredPairs& scored);

/// The sample of rows that uniformity and effective_rank are computed from.
struct SpreadOptions {
  int64_t max_rows = 2048;  ///< more rows are sampled uniformly without repeats
  uint64_t seed = 0;
};

/// Uniformity (Wang & Isola 2020, t = 2): lower is more evenly spread, 0 is collapse, about -4 is the least
/// that high dimensions reach. NaN for fewer than two rows.
/// Math      log of the mean of exp(-2 |u - v|²) over all pairs of distinct unit rows
/// Cost      2·S²·D flops for S = min(N, max_rows), in float64; memory O(S·256)
double uniformity(const at::Tensor& x_ND, const SpreadOptions& options = {});

/// Effective rank (Roy & Vetterli 2007): the number of directions that the embeddings use, from 1 (collapse)
/// to D. NaN for no rows, or for zero rows only.
/// Math      exp(-Σ p_k ln p_k), p_k = σ_k / Σ σ, σ the singular values of the unit rows
/// Cost      S·D·min(S, D) flops, in float64
double effective_rank(const at::Tensor& x_ND, const SpreadOptions& options = {});

}  // namespace lodestone::eval
