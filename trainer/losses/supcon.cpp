#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "trainer/losses/reduction.h"

namespace lodestone {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Supervised contrastive loss (Khosla et al. 2020, eq. 2, the form with the mean outside the logarithm):
///   L = mean over anchors i with a positive of  -1/|P(i)| Σ_{p in P(i)} log( exp(s_ip/T) / Σ_{j in P(i) ∪ N(i)} exp(s_ij/T) ).
/// With one positive per anchor it is InfoNCE (NT-Xent). s is the cosine similarity when embeddings are normalised.
/// Row state [r,4]: running maximum of s/T, Σ exp(s/T - maximum), Σ of positives' s/T, count of positives.
/// Anchors without a positive do not count.
class SupConLoss : public Loss {
 public:
  void visit(Fields& f) override {
    f.field({"temperature", "similarities are divided by it", "", 1e-4}, &temperature_);
  }
  Measure measure() const override { return Measure::kSimilarity; }
  bool takes_tuples() const override { return false; }
  int64_t state_width(int64_t) const override { return 4; }

  at::Tensor initial_state(int64_t rows, int64_t, const at::TensorOptions& options) const override {
    at::Tensor state_rk = at::zeros({rows, 4}, options);
    state_rk.select(1, 0).fill_(-kInfinity);
    return state_rk;
  }

  void fold(int, const Tile& tile, at::Tensor& state_rk) const override {
    const at::Tensor logit_rc = tile.value_rc / temperature_;
    const at::Tensor masked_rc = at::where(at::logical_or(tile.positive_rc, tile.negative_rc), logit_rc, -kInfinity);
    const at::Tensor old_max_r = state_rk.select(1, 0).clone();
    const at::Tensor max_r = at::maximum(old_max_r, masked_rc.amax(1));
    // A row that has seen no pair yet keeps -inf; 0 stands in for it so that no inf - inf arises.
    const at::Tensor base_r = at::where(max_r > -kInfinity, max_r, at::zeros_like(max_r));
    const at::Tensor sum_r = state_rk.select(1, 1) * at::exp(old_max_r - base_r) +
                             at::exp(masked_rc - base_r.unsqueeze(1)).sum(1);
    state_rk.select(1, 0).copy_(max_r);
    state_rk.select(1, 1).copy_(sum_r);
    state_rk.select(1, 2).add_(logit_rc.mul(tile.positive_rc).sum(1));
    state_rk.select(1, 3).add_(tile.positive_rc.sum(1));
  }

  Terms terms(const at::Tensor& state_rk) const override {
    const at::Tensor counts_r = state_rk.select(1, 3) > 0;
    const at::Tensor lse_r = state_rk.select(1, 0) + at::log(state_rk.select(1, 1));
    const at::Tensor loss_r = lse_r - state_rk.select(1, 2) / at::clamp_min(state_rk.select(1, 3), 1);
    const at::Tensor anchors = counts_r.sum();
    return {{at::where(counts_r, loss_r, at::zeros_like(loss_r)).sum()}, {anchors}, anchors, anchors};
  }

  at::Tensor weight(const Tile& tile, const std::vector<at::Tensor>& state,
                    const std::vector<double>& scale) const override {
    const at::Tensor has_positive = state[3] > 0;
    const at::Tensor lse = at::where(has_positive, state[0] + at::log(state[1]), at::zeros_like(state[0]));
    const at::Tensor pair_rc = at::logical_or(tile.positive_rc, tile.negative_rc);
    const at::Tensor share_rc =
        at::exp(at::where(at::logical_and(pair_rc, has_positive), tile.value_rc / temperature_ - lse, -kInfinity));
    const at::Tensor pull = has_positive.to(lse.scalar_type()) / at::clamp_min(state[3], 1);
    return (share_rc - at::mul(tile.positive_rc, pull)) * (scale[0] / temperature_);
  }

  Terms tuple_terms(const TupleValues&) const override {
    throw ConfigError("supcon: takes class labels and miner `all`, not mined or explicit tuples");
  }

  at::Tensor reference(const at::Tensor& value_BB, const at::Tensor& positive_BB,
                       const at::Tensor& negative_BB) const override {
    const at::Tensor logit_BB = value_BB / temperature_;
    const at::Tensor pair_BB = at::logical_or(positive_BB, negative_BB);
    const at::Tensor counts_B = positive_BB.sum(1).to(logit_BB.scalar_type());
    const at::Tensor lse_B = at::logsumexp(at::where(pair_BB, logit_BB, -1e30), 1);
    const at::Tensor mean_B = at::where(positive_BB, logit_BB, 0).sum(1) / at::clamp_min(counts_B, 1);
    return combine({{at::where(counts_B > 0, lse_B - mean_B, 0).sum()}, {(counts_B > 0).sum()}, {}, {}});
  }

 private:
  double temperature_ = 0.1;
};

}  // namespace

std::unique_ptr<Loss> make_supcon() { return std::make_unique<SupConLoss>(); }

}  // namespace lodestone
