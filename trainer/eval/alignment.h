#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "trainer/eval/pairs.h"

namespace lodestone {

/// alignment = mean of |u - v|² over positive pairs of unit rows (Wang & Isola 2020, α = 2); 0 is best. NaN
/// if there is no positive pair. Requires: pairs scored with Likeness::kCosine.
double alignment(const ScoredPairs& scored);

struct SpreadOptions {
  int64_t max_rows = 2048;  ///< beyond it, a uniform sample of rows without repeats
  uint64_t seed = 0;
};

/// uniformity = log of the mean of exp(-2 |u - v|²) over all pairs of distinct unit rows (Wang & Isola 2020,
/// t = 2); lower is more evenly spread, 0 is collapse, about -4 is what many dimensions can reach. NaN for
/// fewer than two rows.
/// Cost      2·S²·D flops for S = min(N, max_rows), in float64; memory O(S·256)
double uniformity(const at::Tensor& x_ND, const SpreadOptions& options = {});

/// effective_rank = exp(-Σ p_k ln p_k), p_k = σ_k / Σ σ, σ the singular values of the unit rows (Roy &
/// Vetterli 2007): how many directions the embeddings use, from 1 (collapse) to D. NaN for no rows, or for
/// zero rows only.
/// Cost      S·D·min(S, D) flops, in float64
double effective_rank(const at::Tensor& x_ND, const SpreadOptions& options = {});

}  // namespace lodestone
