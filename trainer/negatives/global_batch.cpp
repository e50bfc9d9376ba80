#include "trainer/negatives/global_batch.h"

#include <chrono>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include "trainer/negatives/mined_tuples.h"

namespace lodestone {

void Objective::check(bool explicit_tuples, bool explicit_pairs) const {
  if (explicit_tuples && !miner.takes_all())
    throw ConfigError("miner: the data gives explicit pairs or triplets, so nothing is mined; use miner: {name: all}");
  if (explicit_pairs && !loss.takes_pairs())
    throw ConfigError("loss: this loss needs triplets or class labels, but the data gives pairs with labels 0/1; "
                      "use loss: {name: contrastive}");
  if ((explicit_tuples || !miner.takes_all()) && !loss.takes_tuples())
    throw ConfigError("loss: this loss takes every pair of the global batch and no tuples; use miner: {name: all} and "
                      "data with class labels");
  // A loss refuses settings that the sum over all pairs cannot honour when it makes its row state: before training begins.
  if (!explicit_tuples && miner.takes_all()) loss.initial_state(0, 0, {});
}

StepLoss global_batch_loss(const Group& group, const LocalRows& local, const Objective& objective,
                           const std::optional<Tuples>& explicit_tuples) {
  at::NoGradGuard no_grad;
  const auto start = std::chrono::steady_clock::now();
  const GlobalRows rows(group, local, objective.normalize);
  StepLoss step;
  step.gather_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  LossOutcome outcome;
  if (!explicit_tuples && objective.miner.takes_all()) {
    outcome = dense_loss(group, rows, objective.loss);
  } else {
    step.tuples = explicit_tuples ? *explicit_tuples : mine(rows, objective.miner, objective.loss.measure());
    outcome = tuple_loss(group, rows, objective.loss, step.tuples);
  }
  step.loss = outcome.loss;
  step.active = outcome.active;
  step.valid = outcome.valid;
  step.gradient_bD =
      objective.normalize ? normalised_gradient(outcome.gradient_bD, local.z_bD) : outcome.gradient_bD;
  step.health = pair_health(group, rows);
  return step;
}

}  // namespace lodestone
