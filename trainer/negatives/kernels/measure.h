#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/losses/loss.h"

// Shapes: r and c rows of two sets of embeddings of width D; t pairs.

namespace lodestone::negatives {

/// Computes the measure of every pair of rows into out_rc. `scale` multiplies similarities at no cost; it
/// does not apply to distances.
/// Math      distances come from one matrix product, |u|² + |v|² - 2 u·v; entries so small that this loses
///           digits (near-duplicates, collapsed embeddings) are computed again from the differences
void measure_tile(losses::Measure measure, const at::Tensor& u_rD, const at::Tensor& v_cD, at::Tensor& out_rc,
                  double scale = 1);

/// The measure of t pairs of rows, computed from the differences: [t]. Differentiable by autograd.
at::Tensor measure_pairs(losses::Measure measure, const at::Tensor& u_tD, const at::Tensor& v_tD);

/// The gradient of one side of a tile, dL/du = Σ_c weight_rc · dmeasure(u_r, v_c)/du_r, as one product.
/// `prepare_tile_gradient` turns weight_rc = dL/dmeasure into x in place (for similarities x = w);
/// `add_tile_gradient` adds the gradient of one side. For the side of the references, pass the transposed
/// tile and exchange u and v.
/// Math      similarities: Σ_c w v_c
///           distances: (Σ_c x) u_r - Σ_c x v_c with x = w/d, or 2w for squared ones; 0 where d is 0
/// Cost      add_tile_gradient: one product of 2·r·c·D flops
void prepare_tile_gradient(losses::Measure measure, const at::Tensor& distance_rc, at::Tensor& weight_rc);
void add_tile_gradient(losses::Measure measure, const at::Tensor& factor_rc, const at::Tensor& u_rD,
                       const at::Tensor& v_cD, at::Tensor& gradient_rD);

/// The measure of pairs (row_p of u, reference_p of v) in float64, from the rows' differences and products.
/// On a CPU the rows are not gathered.
at::Tensor pair_values(losses::Measure measure, const at::Tensor& u_nD, const at::Tensor& row_p,
                       const at::Tensor& v_mD, const at::Tensor& reference_p);

/// Adds weight_p · dmeasure(u_row, v_ref)/du_row to gradient_nD[row]. The sub-gradient is 0 where a distance
/// is 0.
void add_pair_gradient(losses::Measure measure, const at::Tensor& weight_p, const at::Tensor& u_nD,
                       const at::Tensor& row_p, const at::Tensor& v_mD, const at::Tensor& reference_p,
                       at::Tensor& gradient_nD);

}  // namespace lodestone::negatives
