#include "trainer/negatives/global_batch.h"

#include <chrono>
#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include "common/choices.h"
#include "trainer/negatives/solvers/all_triplets.h"

namespace lodestone::negatives {

namespace {

// The same on all ranks, and not finite if a row of any rank is not.
bool is_finite(const PairHealth& health) {
  return std::isfinite(health.positive_distance + health.negative_distance + health.positive_similarity +
                       health.negative_similarity);
}

std::string miners_that(std::span<const TableRow<miners::Miner>> table,
                        bool (*holds)(const miners::Miner& miner)) {
  return names_that(table, [holds](const auto& row) { return holds(*row.make()); });
}

bool picks_triplets(const miners::Miner& miner) {
  return miner.as_triplets() != nullptr;
}

/// The members and relations of a pair loss.
struct Plan {
  std::vector<Member> members;
  std::vector<Relation> relations;

  Plan(const losses::Loss& loss, const RowSet& rows, const RowSet* second, const RowSet* shard,
       const StepInput& input) {
    const bool proxies = loss.uses_proxies(), from_proxies = loss.pairing() == losses::Pairing::kProxyAnchors;
    members.push_back({&rows, !from_proxies, true, false});
    if (second) {
      members.push_back({second, input.second_learns, input.second_learns, false});
      relations.push_back({0, 1});
    } else if (!proxies) {
      relations.push_back({0, 0});
    }
    if (!shard) return;
    members.push_back({shard, from_proxies, proxies, true});
    relations.push_back({0, members.size() - 1, !proxies});
  }
};

}  // namespace

void Objective::check(const Setting& setting) const {
  const auto* pairs = loss.as_pairs();
  const auto* triplets = loss.as_triplets();
  const auto* mines_triplets = miner.as_triplets();
  const bool all = miner.takes_all();
  const bool tuples = mines_triplets || setting.explicit_tuples;
  const bool batch = loss.pairing() == losses::Pairing::kBatch;
  if (setting.explicit_pairs && !(pairs && pairs->takes_pairs()))
    throw ConfigError(
        "loss: this loss needs triplets or class labels, but the data gives pairs with labels 0/1; use "
        "loss.name: " +
        losses::losses_that(setting.losses, [](const losses::Loss& other) {
          return other.as_pairs() != nullptr && other.as_pairs()->takes_pairs();
        }));
  if (setting.explicit_tuples && !all)
    throw ConfigError(
        "miner: the data gives explicit pairs or triplets, so nothing is mined; use miner: auto");
  if (tuples && !losses::compares_rows(loss))
    throw ConfigError(
        "loss: this loss takes every pair of the global batch and no tuples; use miner.name: " +
        miners_that(setting.miners, [](const miners::Miner& other) { return !picks_triplets(other); }) +
        ", and data with class labels");
  if (triplets && !tuples && !all)
    throw ConfigError(
        "miner: this miner picks pairs, which a loss over triplets does not take; use miner.name: " +
        miners_that(setting.miners, [](const miners::Miner& other) { return other.as_pairs() == nullptr; }));
  if (triplets && !tuples && triplets->needs_positive_negative())
    throw ConfigError(
        "loss: swap compares positives with negatives, which the sum over all triplets does not; use swap: "
        "false, or miner.name: " +
        miners_that(setting.miners, picks_triplets));
  if (mines_triplets && mines_triplets->needs_unit_l2() &&
      !(normalize && loss.measure() == losses::Measure::kL2))
    throw ConfigError(
        "miner: this miner needs Euclidean distances of rows of unit length; set normalize: true, and "
        "loss.distance: l2 or another loss that has it");
  const bool references_beyond_batch = setting.memory || setting.momentum_keys;
  if (references_beyond_batch && (setting.explicit_tuples || !losses::compares_rows(loss)))
    throw ConfigError(
        "memory: a memory needs a loss over rows of one batch, and class labels; use loss.name: " +
        losses::losses_that(setting.losses, losses::compares_rows) + ", or memory.kind: none");
  if (references_beyond_batch && triplets && triplets->needs_positive_negative())
    throw ConfigError(
        "loss: swap compares positives with negatives, which in a memory may both be past rows, without a "
        "gradient; use swap: false, or no memory");
  if (exchange.ring && (setting.memory || loss.uses_proxies()))
    throw ConfigError(
        "exchange: ring does not hold all embeddings, which a memory and proxies need; use exchange: gather");
  if (exchange.bf16_products && loss.measure() != losses::Measure::kSimilarity)
    throw ConfigError(
        "similarity_precision: bfloat16 is too coarse for distances, whose digits cancel; use "
        "similarity_precision: float32, or a loss of similarities, such as loss.name: " +
        losses::losses_that(setting.losses, [](const losses::Loss& other) {
          return other.measure() == losses::Measure::kSimilarity;
        }));
  if (!setting.whole_world && (setting.memory || !batch))
    throw ConfigError(
        "mining_scope: a memory, proxies and two towers are shared by all ranks; use mining_scope: global");
}

StepLoss global_batch_loss(const distributed::Group& world, const LocalRows& local,
                           const Objective& objective, const StepInput& input) {
  at::NoGradGuard no_grad;
  const auto start = std::chrono::steady_clock::now();
  const distributed::Group& scope = input.scope ? *input.scope : world;
  const RowSet rows = gather_row_set(scope, local, objective.normalize, objective.exchange);
  std::optional<RowSet> second;
  if (input.second) second = gather_row_set(scope, *input.second, objective.normalize, objective.exchange);
  std::optional<RowSet> shard = input.shard;
  if (shard && objective.exchange.bf16_products) shard = rounded_to_bf16(*shard);
  StepLoss step;
  step.gather_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  LossOutcome outcome;
  const auto* miner = objective.miner.as_triplets();
  const auto* pairs = objective.loss.as_pairs();
  const Plan plan(objective.loss, rows, second ? &*second : nullptr, shard ? &*shard : nullptr, input);
  if (pairs && !miner && !input.tuples) {
    outcome = solve_pairs(world, scope, *pairs, objective.miner.as_pairs(), plan.members, plan.relations);
    if (second && input.second_learns) step.second_gradient_bD = outcome.gradients_nD[1];
    if (input.shard && objective.loss.uses_proxies()) step.shard_gradient_nD = outcome.gradients_nD.back();
  } else {
    AnchorWalk walk(scope, plan.members, plan.relations);
    if (miner || input.tuples) {
      step.tuples = input.tuples ? *input.tuples : mine(walk, *miner, objective.loss.measure(), input.draw);
      outcome = solve_tuples(world, walk, objective.loss, step.tuples);
    } else {
      outcome = solve_all_triplets(world, walk, *objective.loss.as_triplets());
    }
  }
  step.loss = outcome.loss;
  step.active = outcome.active;
  step.valid = outcome.valid;
  step.same_sample = outcome.same_sample;
  step.parameter_gradients = objective.loss.parameter_gradients(outcome.affine);
  step.gradient_bD = outcome.gradients_nD[0];
  if (objective.normalize) {
    step.gradient_bD = normalised_gradient(step.gradient_bD, local.z_bD);
    if (step.second_gradient_bD.defined())
      step.second_gradient_bD = normalised_gradient(step.second_gradient_bD, input.second->z_bD);
  }
  step.remembered = second ? *second : rows;
  if (input.want_health) {
    step.health = pair_health(world, rows, second ? &*second : nullptr);
    // A miner ignores rows that are NaN, so the loss of the remaining rows may be 0.
    if (!is_finite(step.health)) step.loss = std::numeric_limits<double>::quiet_NaN();
  }
  return step;
}

}  // namespace lodestone::negatives
