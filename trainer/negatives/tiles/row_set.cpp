#include "trainer/negatives/tiles/row_set.h"

#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>

namespace lodestone::negatives {

namespace {

// Rows with a smaller norm count as 0 and get no gradient, instead of a huge one.
constexpr double kSmallestNorm = 1e-12;

// 1/|z|, and 0 for rows that count as 0; autograd sees no division by 0.
at::Tensor inverse_norms(const at::Tensor& z_bD) {
  const at::Tensor norm_b1 = at::linalg_vector_norm(z_bD, 2, at::IntArrayRef{1}, /*keepdim=*/true);
  const at::Tensor alive_b1 = norm_b1 > kSmallestNorm;
  return alive_b1 / at::where(alive_b1, norm_b1, 1);
}

double longest_of(const at::Tensor& u_nD) {
  return u_nD.numel() == 0 ? 0 : at::linalg_vector_norm(u_nD, 2, at::IntArrayRef{1}).max().item<double>();
}

double longest_of(const distributed::Group& group, const at::Tensor& u_nD) {
  at::Tensor longest = at::full({}, longest_of(u_nD), u_nD.options().dtype(at::kDouble));
  group.all_reduce(longest, distributed::ReduceOp::kMax);
  return longest.item<double>();
}

}  // namespace

RowSet gather_row_set(const distributed::Group& group, const LocalRows& rows, bool normalize,
                      const Exchange& exchange) {
  RowSet set;
  set.counts = group.gather_counts(rows.z_bD.size(0));
  set.local = rows.z_bD.size(0);
  set.first = std::accumulate(set.counts.begin(), set.counts.begin() + group.rank(), int64_t{0});
  set.ring = exchange.ring && group.size() > 1;
  at::Tensor u_bD = (normalize ? normalised(rows.z_bD) : rows.z_bD).contiguous();
  const at::ScalarType type = u_bD.scalar_type();
  if (exchange.rounds()) u_bD = u_bD.to(at::kBFloat16);
  if (!set.ring) u_bD = group.all_gather(u_bD, set.counts);
  if (exchange.bf16_products && type == at::kFloat) set.half_nD = u_bD;
  set.u_nD = u_bD.to(type);
  // Rounding may leave unit rows a little longer than 1.
  set.longest = normalize ? 1.01 : longest_of(group, set.u_nD);
  if (group.size() == 1) {
    set.label_n = rows.label_b;
    set.group_n = rows.group_b;
    set.id_n = rows.id_b;
    return set;
  }
  const at::Tensor keys_n3 =
      group.all_gather(at::stack({rows.label_b, rows.group_b, rows.id_b}, 1), set.counts);
  set.label_n = keys_n3.select(1, 0).contiguous();
  set.group_n = keys_n3.select(1, 1).contiguous();
  set.id_n = keys_n3.select(1, 2).contiguous();
  return set;
}

RowSet shard_rows(const at::Tensor& u_nD, const at::Tensor& label_n, const at::Tensor& group_n,
                  const at::Tensor& id_n) {
  return {u_nD, {}, label_n, group_n, id_n, {u_nD.size(0)}, 0, u_nD.size(0), false, longest_of(u_nD)};
}

RowSet rounded_to_bf16(RowSet set) {
  const at::ScalarType type = set.u_nD.scalar_type();
  const at::Tensor half_nD = set.u_nD.to(at::kBFloat16);
  set.u_nD = half_nD.to(type);
  if (type == at::kFloat) set.half_nD = half_nD;
  set.longest = longest_of(set.u_nD);
  return set;
}

at::Tensor normalised(const at::Tensor& z_bD) {
  return z_bD * inverse_norms(z_bD);
}

at::Tensor normalised_gradient(const at::Tensor& gradient_bD, const at::Tensor& z_bD) {
  const at::Tensor inverse_b1 = inverse_norms(z_bD);
  const at::Tensor along_b1 = (gradient_bD * z_bD).sum(1, true) * inverse_b1 * inverse_b1 * inverse_b1;
  return (gradient_bD * inverse_b1).addcmul_(z_bD, along_b1, -1);
}

}  // namespace lodestone::negatives
