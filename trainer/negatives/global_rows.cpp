#include "trainer/negatives/global_rows.h"

#include <numeric>
#include <unordered_map>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>

namespace lodestone {

namespace {

// Rows of a smaller norm count as 0 and get no gradient, rather than a huge one.
constexpr double kSmallestNorm = 1e-12;

struct Norms {
  at::Tensor alive_b1;
  at::Tensor norm_b1;  ///< 1 where the row counts as 0, so that autograd sees no root of 0
};

Norms norms(const at::Tensor& z_bD) {
  const at::Tensor squares_b1 = z_bD.square().sum(1, true);
  const at::Tensor alive_b1 = squares_b1 > kSmallestNorm * kSmallestNorm;
  return {alive_b1, at::where(alive_b1, squares_b1, 1).sqrt()};
}

}  // namespace

GlobalRows::GlobalRows(const Group& group, const LocalRows& rows, bool normalize)
    : counts(group.gather_counts(rows.z_bD.size(0))), local(rows.z_bD.size(0)) {
  first = std::accumulate(counts.begin(), counts.begin() + group.rank(), int64_t{0});
  u_BD = group.all_gather((normalize ? normalised(rows.z_bD) : rows.z_bD).contiguous(), counts);
  const at::Tensor keys_B3 = group.all_gather(at::stack({rows.label_b, rows.group_b, rows.id_b}, 1), counts);
  label_B = keys_B3.select(1, 0).contiguous();
  group_B = keys_B3.select(1, 1).contiguous();
  id_B = keys_B3.select(1, 2).contiguous();

  const at::Tensor labels = label_B.cpu();
  at::Tensor ranks = at::empty_like(labels);
  std::unordered_map<int64_t, int64_t> seen;
  for (int64_t i = 0; i < labels.numel(); ++i)
    ranks.mutable_data_ptr<int64_t>()[i] = seen[labels.const_data_ptr<int64_t>()[i]]++;
  for (const auto& [label, count] : seen) max_positives = std::max(max_positives, count - 1);
  rank_B = ranks.to(label_B.device());
}

Tile GlobalRows::masks(int64_t row, int64_t rows, int64_t column, int64_t columns) const {
  const auto anchors = [&](const at::Tensor& x_B) { return x_B.narrow(0, row, rows).unsqueeze(1); };
  const auto refs = [&](const at::Tensor& x_B) { return x_B.narrow(0, column, columns).unsqueeze(0); };
  const auto options = label_B.options();
  const at::Tensor other_rc = at::arange(row, row + rows, options).unsqueeze(1) !=
                              at::arange(column, column + columns, options).unsqueeze(0);
  Tile tile;
  tile.positive_rc = at::logical_and(anchors(label_B) == refs(label_B), other_rc);
  tile.negative_rc = at::logical_and(anchors(group_B) != refs(group_B), anchors(id_B) != refs(id_B));
  tile.anchor_rank = anchors(rank_B);
  tile.ref_rank = refs(rank_B);
  return tile;
}

at::Tensor normalised(const at::Tensor& z_bD) {
  const auto [alive_b1, norm_b1] = norms(z_bD);
  return at::where(alive_b1, z_bD / norm_b1, 0);
}

at::Tensor normalised_gradient(const at::Tensor& gradient_bD, const at::Tensor& z_bD) {
  const auto [alive_b1, norm_b1] = norms(z_bD);
  const at::Tensor u_bD = z_bD / norm_b1;
  const at::Tensor tangent_bD = gradient_bD - u_bD * (gradient_bD * u_bD).sum(1, true);
  return at::where(alive_b1, tangent_bD / norm_b1, 0);
}

}  // namespace lodestone
