#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/losses/loss.h"

// Shapes: r and c rows of two sets of embeddings of width D; t pairs.

namespace lodestone {

/// The measure of every pair of rows, into out_rc.
/// Distances come from one matrix product, |u|² + |v|² - 2 u·v; entries so small that this loses digits (near-duplicates,
/// collapsed embeddings) are computed again from the differences.
/// `scale` multiplies similarities, at no cost; distances it leaves alone.
void measure_tile(Measure measure, const at::Tensor& u_rD, const at::Tensor& v_cD, at::Tensor& out_rc,
                  double scale = 1);

/// The measure of pairs of rows, from the rows themselves: [t]. Differentiable by autograd.
at::Tensor measure_pairs(Measure measure, const at::Tensor& u_tD, const at::Tensor& v_tD);

/// What dL/dmeasure of a tile becomes in dL/du = Σ_c weight_rc · dmeasure(u_r, v_c)/du_r, which is then one product:
///   similarity   Σ_c w v_c
///   distances    (Σ_c x) u_r - Σ_c x v_c  with x = w/d, or 2w for squared ones; sub-gradient 0 where d is 0
/// `prepare_pull` turns weight_rc into x in place; `add_pull` adds the gradient of one side. For the refs' side hand in the
/// transposed tile and exchange u and v.
/// Cost      add_pull: one product of 2·r·c·D flops
void prepare_pull(Measure measure, const at::Tensor& distance_rc, at::Tensor& weight_rc);
void add_pull(Measure measure, const at::Tensor& pull_rc, const at::Tensor& u_rD, const at::Tensor& v_cD,
              at::Tensor& gradient_rD);

/// The measure of pairs (row_p of u, ref_p of v), float64, formed from the rows' differences and products without gathering
/// them on a CPU.
at::Tensor pair_values(Measure measure, const at::Tensor& u_nD, const at::Tensor& row_p,
                       const at::Tensor& v_mD, const at::Tensor& ref_p);

/// Adds weight_p · dmeasure(u_row, v_ref)/du_row to gradient_nD[row]. Sub-gradient 0 where a distance is 0.
void add_pair_gradient(Measure measure, const at::Tensor& weight_p, const at::Tensor& u_nD,
                       const at::Tensor& row_p, const at::Tensor& v_mD, const at::Tensor& ref_p,
                       at::Tensor& gradient_nD);

}  // namespace lodestone
