#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/losses/loss.h"

// Shapes: r and c rows of two sets of embeddings of width D; t pairs.

namespace lodestone {

/// The measure of every pair of rows: [r,c].
/// Distances come from one matrix product, |u|² + |v|² - 2 u·v; entries so small that this loses digits (near-duplicates,
/// collapsed embeddings) are computed again from the differences.
at::Tensor measure_tile(Measure measure, const at::Tensor& u_rD, const at::Tensor& v_cD);

/// The measure of pairs of rows, from the rows themselves: [t]. Differentiable by autograd.
at::Tensor measure_pairs(Measure measure, const at::Tensor& u_tD, const at::Tensor& v_tD);

/// Adds dL/du = Σ_c weight_rc · dmeasure(u_r, v_c)/du_r to gradient_rD. Sub-gradient 0 where a distance is 0.
/// Cost      one product of 2·r·c·D flops
void add_tile_gradient(Measure measure, const at::Tensor& weight_rc, const at::Tensor& value_rc, const at::Tensor& u_rD,
                       const at::Tensor& v_cD, at::Tensor& gradient_rD);

}  // namespace lodestone
