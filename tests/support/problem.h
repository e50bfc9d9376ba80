#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include "support/batches.h"
#include "support/objectives.h"
#include "support/ranks.h"
#include "trainer/negatives/oracle.h"

namespace lodestone::testing {
using namespace distributed;
using namespace miners;
using namespace negatives;

/// Everything that a loss needs in one step, for one process.
struct Problem {
  LocalRows rows;
  std::optional<LocalRows> second;
  std::optional<RowSet> shard;

  StepInput input(const MadeCase& made) const {
    StepInput input;
    input.second = second;
    input.second_learns = made.towers();
    input.shard = shard;
    input.draw = {7, 3};
    return input;
  }
};

inline LocalRows other_view(const LocalRows& rows, uint64_t seed) {
  return {random_rows(rows.z_bD.size(0), rows.z_bD.size(1), seed), rows.label_b, rows.group_b, rows.id_b};
}

/// The problem of `made` with these rows.
inline Problem problem_around(const MadeCase& made, const LocalRows& rows, uint64_t seed) {
  Problem problem{rows, {}, {}};
  const int64_t width = rows.z_bD.size(1);
  const auto prepared = [&](const LocalRows& x) {
    return shard_rows(made.c.normalize ? normalised(x.z_bD) : x.z_bD, x.label_b, x.group_b, x.id_b);
  };
  if (made.towers() || made.c.keys) problem.second = other_view(rows, seed + 100);
  if (made.c.memory) {
    LocalRows past = random_batch(9, width, seed + 200);
    past.id_b = past.id_b * 2;  // includes some of the batch's own samples
    problem.shard = prepared(past);
  }
  if (made.proxies()) {
    const int64_t classes = rows.label_b.numel() == 0 ? 1 : rows.label_b.max().item<int64_t>() + 2;
    std::vector<int64_t> label(static_cast<size_t>(classes)), group(label.size()), id(label.size());
    for (size_t c = 0; c < label.size(); ++c) {
      label[c] = static_cast<int64_t>(c);
      group[c] = c == 1 ? 0 : label[c];  // as in random_batch: class 1 looks like class 0
      id[c] = -1 - static_cast<int64_t>(c);
    }
    problem.shard =
        prepared({random_rows(classes, width, seed + 300), integers(label), integers(group), integers(id)});
  }
  return problem;
}

inline Problem to_type(const Problem& problem, at::ScalarType type) {
  Problem other = problem;
  other.rows.z_bD = problem.rows.z_bD.to(type);
  if (other.second) other.second->z_bD = problem.second->z_bD.to(type);
  if (other.shard) other.shard->u_nD = problem.shard->u_nD.to(type);
  return other;
}

/// The results of all ranks, in rank order.
struct Global {
  double loss = 0;
  at::Tensor gradient_BD, second_gradient_BD, shard_gradient_nD, tuples_t3;
  std::vector<double> parameter_gradients;
};

inline at::Tensor tuples_of(const Tuples& t) {
  return at::stack({t.anchor_t, t.positive_t, t.negative_t}, 1);
}

inline RowSet shard_part(const RowSet& all, int64_t begin, int64_t count) {
  const auto part = [&](const at::Tensor& x) { return x.narrow(0, begin, count); };
  return shard_rows(part(all.u_nD), part(all.label_n), part(all.group_n), part(all.id_n));
}

/// A rank's part of the problem: rows by `shares`, one half of the shard for the first rank and one for the
/// last.
inline Problem share_of(const Problem& problem, const std::vector<int64_t>& shares, size_t rank) {
  int64_t begin = 0;
  for (size_t r = 0; r < rank; ++r) begin += shares[r];
  Problem mine{share(problem.rows, begin, shares[rank]), {}, {}};
  if (problem.second) mine.second = share(*problem.second, begin, shares[rank]);
  if (problem.shard) {
    const int64_t all = problem.shard->size(), half = all / 2;
    const bool first = rank == 0, last = rank + 1 == shares.size();
    mine.shard = shard_part(*problem.shard, first ? 0 : half,
                            (first && last) ? all
                            : first         ? half
                            : last          ? all - half
                                            : 0);
  }
  return mine;
}

/// Divides the problem among ranks and returns their results.
inline Global run_world(const Problem& problem, const std::vector<int64_t>& shares, const MadeCase& made) {
  std::vector<StepLoss> steps(shares.size());
  run_ranks(static_cast<int>(shares.size()), [&](const Group& group) {
    const auto rank = static_cast<size_t>(group.rank());
    const Problem mine = share_of(problem, shares, rank);
    steps[rank] = global_batch_loss(group, mine.rows, made.objective(), mine.input(made));
  });
  Global result{steps[0].loss, {}, {}, {}, {}, steps[0].parameter_gradients};
  std::vector<at::Tensor> gradients, second, shard, tuples;
  for (const auto& step : steps) {
    EXPECT_EQ(step.loss, result.loss) << "ranks disagree on the loss";
    EXPECT_EQ(step.parameter_gradients, result.parameter_gradients)
        << "ranks disagree on the parameters' gradient";
    gradients.push_back(step.gradient_bD);
    if (step.second_gradient_bD.defined()) second.push_back(step.second_gradient_bD);
    if (step.shard_gradient_nD.defined()) shard.push_back(step.shard_gradient_nD);
    if (step.tuples.anchor_t.defined()) tuples.push_back(tuples_of(step.tuples));
  }
  result.gradient_BD = at::cat(gradients);
  if (!second.empty()) result.second_gradient_BD = at::cat(second);
  if (!shard.empty()) result.shard_gradient_nD = at::cat(shard);
  if (!tuples.empty()) result.tuples_t3 = at::cat(tuples);
  return result;
}

}  // namespace lodestone::testing
