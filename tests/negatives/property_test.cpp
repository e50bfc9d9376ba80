// Random batches of random shapes, divided at random: what holds for the fixed ones holds for these.
#include <cstdlib>
#include <iostream>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>

#include "support/problem.h"

namespace lodestone::testing {
namespace {

// Other batches: LODESTONE_TEST_SEED=7 negatives_test --gtest_filter='Property*'
uint64_t first_seed() {
  const char* given = std::getenv("LODESTONE_TEST_SEED");
  return given ? std::strtoull(given, nullptr, 10) : 1;
}

/// Everything about a trial, drawn from its seed.
struct Trial {
  explicit Trial(uint64_t seed) : random(seed, Purpose::kTrials) {
    static const std::vector<Case> cases = all_cases(Range::kAll);
    c = cases[below(cases.size())];
    world = 1 + static_cast<int>(below(6));
    // On a line rows of unit length are all equal or opposite: ties that rounding breaks.
    const int64_t rows = static_cast<int64_t>(below(4) == 0 ? below(8) : below(90)),
                  width = std::max<int64_t>(2, 1 + number(12)),
                  classes = 1 + number(std::max<int64_t>(rows, 1));
    batch = random_batch(rows, width, seed + 1000);
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t label = number(classes);
      batch.label_b[i] = label;
      batch.group_b[i] = label == 1 ? 0 : label;  // as in random_batch, which a memory is filled from
      batch.id_b[i] = below(8) ? i : number(rows);
    }
    shares.assign(static_cast<size_t>(world), 0);
    // Some ranks are much likelier than others, so that shares are uneven and some are empty.
    for (int64_t i = 0; i < rows; ++i) {
      const size_t rank = below(static_cast<uint64_t>(world));
      ++shares[below(2) ? rank : rank / 2];
    }
  }

  uint64_t below(uint64_t n) { return random.below(n); }
  int64_t number(int64_t n) { return static_cast<int64_t>(random.below(static_cast<uint64_t>(n))); }

  Random random;
  Case c;
  int world = 1;
  LocalRows batch;
  std::vector<int64_t> shares;
};

std::ostream& operator<<(std::ostream& out, const Trial& t) {
  out << t.c << "; N " << t.batch.z_bD.size(0) << ", D " << t.batch.z_bD.size(1) << ", shares";
  for (const int64_t share : t.shares) out << " " << share;
  return out;
}

TEST(Property, AnySharingOutOfAnyBatchEqualsOneProcess) {
  const uint64_t first = first_seed();
  std::cout << "seeds " << first << " to " << first + 149 << "\n";
  int with_loss = 0;
  for (uint64_t seed = first; seed < first + 150; ++seed) {
    const Trial trial(seed);
    std::ostringstream what;
    what << "LODESTONE_TEST_SEED=" << seed << ": " << trial;
    SCOPED_TRACE(what.str());
    const MadeCase made(trial.c);
    const Problem problem = problem_around(made, trial.batch, seed);
    const OracleLoss oracle = oracle_loss(problem.rows, made.objective(), problem.input(made));
    const Global got = run_world(problem, trial.shares, made);
    // A small temperature divides the rounding of similarities.
    const double tolerance = 1e-12 * std::max(1.0, std::abs(made.loss->affine().scale) / 10);
    EXPECT_NEAR(got.loss, oracle.loss, tolerance * std::max(1.0, std::abs(oracle.loss)));
    const double size =
        std::max(1.0, oracle.gradient_BD.numel() ? oracle.gradient_BD.abs().max().item<double>() : 0.0);
    if (trial.batch.z_bD.numel()) {
      EXPECT_LE((got.gradient_BD - oracle.gradient_BD).abs().max().item<double>(), 10 * tolerance * size);
    }
    for (size_t i = 0; i < oracle.parameter_gradients.size(); ++i)
      EXPECT_NEAR(got.parameter_gradients[i], oracle.parameter_gradients[i],
                  tolerance * std::max(1.0, std::abs(oracle.parameter_gradients[i])));
    if (got.tuples_t3.defined()) {
      EXPECT_TRUE(at::equal(got.tuples_t3, tuples_of(oracle.tuples)));
    }
    with_loss += oracle.loss > 0;
  }
  EXPECT_GT(with_loss, 75);
}

// With mining_scope each scope is a world of its own but for the count: two hosts of two ranks are as two
// ranks alone.
TEST(Property, AScopeOfSeveralRanksIsAsOneRankWithTheirRows) {
  const uint64_t first = first_seed();
  for (uint64_t seed = first; seed < first + 60; ++seed) {
    Trial trial(seed);
    const MadeCase made(trial.c);
    const Pairing pairing = made.loss->pairing();
    if (pairing != Pairing::kBatch || trial.c.memory || trial.c.keys) continue;
    std::ostringstream what;
    what << "LODESTONE_TEST_SEED=" << seed << ": " << trial;
    SCOPED_TRACE(what.str());
    const int64_t rows = trial.batch.z_bD.size(0), middle = trial.number(rows + 1);
    const int64_t quarter = trial.number(middle + 1), last = trial.number(rows - middle + 1);
    const auto run = [&](const std::vector<int64_t>& shares, int per_scope) {
      std::vector<StepLoss> steps(shares.size());
      run_ranks(static_cast<int>(shares.size()), [&](const Group& group) {
        const auto rank = static_cast<size_t>(group.rank());
        int64_t begin = 0;
        for (size_t r = 0; r < rank; ++r) begin += shares[r];
        const Group scope = group.split(group.rank() / per_scope, group.rank());
        StepInput input;
        input.scope = scope;
        input.draw = {7, 3};
        steps[rank] =
            global_batch_loss(group, share(trial.batch, begin, shares[rank]), made.objective(), input);
      });
      return steps;
    };
    const auto whole = run({middle, rows - middle}, 1);
    const auto split = run({quarter, middle - quarter, last, rows - middle - last}, 2);
    EXPECT_NEAR(split[0].loss, whole[0].loss, 1e-12 * std::max(1.0, whole[0].loss));
    const at::Tensor expected = at::cat({whole[0].gradient_bD, whole[1].gradient_bD});
    const at::Tensor got =
        at::cat({split[0].gradient_bD, split[1].gradient_bD, split[2].gradient_bD, split[3].gradient_bD});
    if (rows > 0) {
      EXPECT_LE((got - expected).abs().max().item<double>(),
                1e-11 * std::max(1.0, expected.abs().max().item<double>()));
    }
  }
}

}  // namespace
}  // namespace lodestone::testing
