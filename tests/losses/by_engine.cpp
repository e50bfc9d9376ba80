// The oracles against the whole engine, on one rank.
#include <gtest/gtest.h>

#include "losses/pairs.h"
#include "support/problem.h"

namespace lodestone::testing {
namespace {

Pairs pairs_of(const MadeCase& made, const Problem& problem) {
  const Plain rows(problem.rows);
  if (made.loss->pairing() == Pairing::kBatch) return Pairs(rows);
  if (made.towers()) {
    const Plain second(*problem.second);
    Pairs pairs(rows.B + second.B, rows.B);
    pairs.compare(0, rows, second);
    pairs.compare(rows.B, second, rows);
    return pairs;
  }
  const RowSet& shard = *problem.shard;
  const Plain proxies(LocalRows{shard.u_nD, shard.label_n, shard.group_n, shard.id_n});
  const bool anchors = made.loss->pairing() == Pairing::kProxyAnchors;
  Pairs pairs = anchors ? Pairs(proxies.B, rows.B) : Pairs(rows.B, proxies.B);
  pairs.compare(0, anchors ? proxies : rows, anchors ? rows : proxies);
  return pairs;
}

}  // namespace

void expect_loss(const std::string& loss, const std::string& settings, const Oracle& oracle) {
  const MadeCase made({loss, settings, "all"});
  const auto* triplets = dynamic_cast<const TripletLossBase*>(&*made.loss);
  if (triplets && triplets->needs_positive_negative())
    return;  // over all triplets the reference alone knows it
  for (uint64_t seed = 31; seed < 34; ++seed) {
    const Problem problem = problem_around(made, random_batch(19, 4, seed), seed);
    const double expected = oracle(pairs_of(made, problem));
    const StepLoss got =
        global_batch_loss(single_group(), problem.rows, made.objective(), problem.input(made));
    EXPECT_NEAR(got.loss, expected, 1e-12 * std::abs(expected)) << made.c;
  }
}

}  // namespace lodestone::testing
