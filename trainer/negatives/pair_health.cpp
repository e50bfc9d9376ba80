#include "trainer/negatives/pair_health.h"

#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/where.h>
#include <ATen/ops/xlogy.h>
#include <ATen/ops/zeros.h>

#include "trainer/negatives/kernels/measure.h"

namespace lodestone::negatives {

namespace {

constexpr int64_t kAnchors = 32, kRankRows = 128;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Sum and count of an average.
class Tally {
 public:
  explicit Tally(const at::TensorOptions& options) : sums_(at::zeros({2 * 8}, options)) {}
  void add(int64_t slot, const at::Tensor& values, const at::Tensor& mask) {
    sums_[2 * slot].add_(at::where(mask, values, 0).sum());
    sums_[2 * slot + 1].add_(mask.sum());
  }
  void reduce(const distributed::Group& group) {
    group.all_reduce(sums_);
    host_ = sums_.cpu();
  }
  double mean(int64_t slot) const {
    const double* value = host_.const_data_ptr<double>() + 2 * slot;
    return value[1] > 0 ? value[0] / value[1] : 0.0;
  }

 private:
  at::Tensor sums_, host_;
};

void look(const RowSet& rows, const RowSet& references, bool same, Tally& tally) {
  const int64_t anchors = std::min(kAnchors, rows.local),
                first_reference = references.ring ? references.first : 0;
  if (anchors == 0 || references.u_nD.size(0) == 0) return;
  const auto row = [&](const at::Tensor& x_n) { return x_n.narrow(0, rows.first, anchors).unsqueeze(1); };
  const auto reference = [&](const at::Tensor& x_n) {
    return x_n.narrow(0, first_reference, references.u_nD.size(0)).unsqueeze(0);
  };
  at::Tensor positive_rc = row(rows.label_n) == reference(references.label_n);
  const at::Tensor negative_rc = at::logical_and(row(rows.group_n) != reference(references.group_n),
                                                 row(rows.id_n) != reference(references.id_n));
  if (same) {
    const auto index_n = at::arange(rows.size(), rows.label_n.options());
    positive_rc = at::logical_and(positive_rc, row(index_n) != reference(index_n));
  }
  const at::Tensor u_rD = rows.local_rows().narrow(0, 0, anchors);
  at::Tensor distance_rc = at::empty({anchors, references.u_nD.size(0)}, u_rD.options());
  at::Tensor unit_rc = at::empty_like(distance_rc), cosine_rc = at::empty_like(distance_rc);
  measure_tile(losses::Measure::kL2, u_rD, references.u_nD, distance_rc);
  const at::Tensor unit_rD = normalised(u_rD), unit_cD = normalised(references.u_nD);
  measure_tile(losses::Measure::kSquaredL2, unit_rD, unit_cD, unit_rc);
  measure_tile(losses::Measure::kSimilarity, unit_rD, unit_cD, cosine_rc);
  tally.add(0, distance_rc, positive_rc);
  tally.add(1, distance_rc, negative_rc);
  const at::Tensor farthest_r = at::where(positive_rc, distance_rc, -kInfinity).amax(1);
  const at::Tensor nearest_r = at::where(negative_rc, distance_rc, kInfinity).amin(1);
  tally.add(2, farthest_r, farthest_r > -kInfinity);
  tally.add(3, nearest_r, nearest_r < kInfinity);
  tally.add(4, cosine_rc, positive_rc);
  tally.add(5, cosine_rc, negative_rc);
  tally.add(6, unit_rc, positive_rc);
  tally.add(7, at::exp(-2 * unit_rc), negative_rc);
}

// Computed from the first rows of every rank, of unit length; the singular values are the roots of the Gram
// matrix's eigenvalues.
double effective_rank(const distributed::Group& group, const RowSet& rows) {
  const int64_t share = std::min((kRankRows + group.size() - 1) / group.size(), rows.local);
  const at::Tensor u_nD = group.all_gather(normalised(rows.local_rows().narrow(0, 0, share)).to(at::kDouble));
  if (u_nD.size(0) == 0) return 0;
  const at::Tensor gram_nn = at::mm(u_nD, u_nD.t());
  if (!gram_nn.isfinite().all().item<bool>()) return 0;
  const at::Tensor value_n = at::linalg_eigvalsh(gram_nn).clamp_min_(0).sqrt_();
  const at::Tensor total = value_n.sum();
  if (total.item<double>() <= 0) return 0;
  const at::Tensor share_n = value_n / total;
  return std::exp(-at::xlogy(share_n, share_n).sum().item<double>());
}

}  // namespace

PairHealth pair_health(const distributed::Group& group, const RowSet& rows, const RowSet* references) {
  Tally tally(rows.u_nD.options().dtype(at::kDouble));
  look(rows, references ? *references : rows, !references, tally);
  tally.reduce(group);
  PairHealth health{tally.mean(0), tally.mean(1), tally.mean(2), tally.mean(3),
                    tally.mean(4), tally.mean(5), tally.mean(6)};
  health.uniformity = tally.mean(7) > 0 ? std::log(tally.mean(7)) : 0;
  health.effective_rank = effective_rank(group, rows);
  return health;
}

}  // namespace lodestone::negatives
