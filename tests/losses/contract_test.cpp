// What every loss promises, whatever its formula: for all rows of the table, and for the settings that change
// the mathematics.
#include <gtest/gtest.h>

#include "losses/all_losses.h"
#include "losses/dense.h"
#include "losses/random_pairs.h"

namespace lodestone::testing {
namespace {

bool finite(const Evaluated& x) {
  return std::isfinite(x.loss) && x.gradient_ac.isfinite().all().item<bool>();
}

Evaluated dense(const PairLoss& loss, const Matrices& m) {
  return DensePairs(loss, m.value_ac, m.positive_ac, m.negative_ac).evaluate();
}

Evaluated oracle(const Loss& loss, const Matrices& m) {
  return by_oracle(loss, m.value_ac, m.positive_ac, m.negative_ac);
}

TEST(EveryLoss, GradientsAreThoseOfTheReference) {
  for (const MadeLoss& made : all_losses())
    for (uint64_t seed = 1; made.pair_loss() && seed < 4; ++seed) {
      const Matrices m(random_pairs(made->pairing(), seed), *made);
      const at::Tensor expected = oracle(*made, m).gradient_ac;
      const double most = expected.abs().max().item<double>();
      EXPECT_GT(most, 1e-9) << made;
      EXPECT_LT((dense(*made.pair_loss(), m).gradient_ac - expected).abs().max().item<double>(), 1e-12 * most)
          << made;
    }
}

TEST(EveryLoss, TripletTermsAreTheReference) {
  for (const std::string settings : {"", "soft_margin: true", "reduction: all", "swap: true"}) {
    const MadeLoss made("triplet", settings);
    const auto& loss = dynamic_cast<const TripletLossBase&>(*made);
    const Pairs x = random_pairs(Pairing::kBatch, 7);
    std::vector<double> ap, an, pn;
    for (int a = 0; a < x.A; ++a)
      for (int p = 0; p < x.C; ++p)
        for (int n = 0; n < x.C; ++n)
          for (int time = 0; time < static_cast<int>(x.pos(a, p) * x.neg(a, n)); ++time) {
            ap.push_back(x.d(a, p));
            an.push_back(x.d(a, n));
            pn.push_back(x.d(p, n));
          }
    const auto tensor = [](const std::vector<double>& v) {
      at::Tensor t = at::empty({static_cast<int64_t>(v.size())}, at::kDouble);
      std::copy(v.begin(), v.end(), t.mutable_data_ptr<double>());
      return t;
    };
    const Terms terms = loss.triplet_terms({tensor(ap), tensor(an), tensor(pn)});
    const double expected = oracle(*made, Matrices(x, *made)).loss;
    EXPECT_NEAR(combine(terms).item<double>(), expected, 1e-12 * expected) << made;
    EXPECT_EQ(terms.valid.item<double>(), static_cast<double>(ap.size())) << made;
  }
}

TEST(EveryLoss, IsFiniteAndZeroWithoutPairs) {
  for (const MadeLoss& made : all_losses())
    for (const bool positives : {false, true})
      for (const bool negatives : {false, true}) {
        Matrices m(random_pairs(made->pairing(), 3), *made);
        if (!positives) m.positive_ac.zero_();
        if (!negatives) m.negative_ac.zero_();
        const Evaluated expected = oracle(*made, m);
        EXPECT_TRUE(finite(expected)) << made << positives << negatives;
        if (!positives && !negatives) {
          EXPECT_EQ(expected.loss, 0) << made;
        }
        if (!made.pair_loss()) continue;
        const Evaluated got = dense(*made.pair_loss(), m);
        EXPECT_TRUE(finite(got)) << made << positives << negatives;
        EXPECT_NEAR(got.loss, expected.loss, 1e-12 * std::abs(expected.loss))
            << made << positives << negatives;
      }
}

TEST(EveryLoss, LearnedNumbersHaveTheirGradients) {
  int seen = 0;
  for (const MadeLoss& made : all_losses()) {
    const Pairs pairs = random_pairs(made->pairing(), 11);
    const auto loss_now = [&] { return oracle(*made, Matrices(pairs, *made)).loss; };
    const Matrices m(pairs, *made);
    const at::Tensor gradient_ac = oracle(*made, m).gradient_ac;
    const Affine gradient{(gradient_ac * m.measure_ac).sum().item<double>(),
                          gradient_ac.sum().item<double>()};
    const std::vector<double> got = made->parameter_gradients(gradient);
    const std::vector<LossParameter> parameters = made->parameters();
    ASSERT_EQ(got.size(), parameters.size()) << made;
    for (size_t i = 0; i < parameters.size(); ++i, ++seen) {
      const at::Tensor& value = parameters[i].value;
      const double h = 1e-5, start = value.item<double>();
      value.fill_(start + h);
      const double above = loss_now();
      value.fill_(start - h);
      const double numeric = (above - loss_now()) / (2 * h);
      value.fill_(start);
      EXPECT_NEAR(got[i], numeric, 1e-6 * (1 + std::abs(numeric))) << made << ": " << parameters[i].name;
      EXPECT_TRUE(parameters[i].min <= start && start <= parameters[i].max)
          << made << ": " << parameters[i].name;
    }
  }
  EXPECT_GE(seen, 8);
}

TEST(EveryLoss, WritingSettingsKeepsWhatWasLearned) {
  for (const MadeLoss& made : all_losses())
    for (const LossParameter& parameter : made->parameters()) {
      parameter.value.fill_(0.25);
      write_yaml([&](Fields& f) { made->visit(f); });
      EXPECT_EQ(made->parameters().size(), made->parameter_gradients({}).size());
      EXPECT_EQ(parameter.value.item<double>(), 0.25) << made << ": " << parameter.name;
    }
}

TEST(Losses, RowsAreSortedByName) {
  for (size_t i = 1; i < loss_table().size(); ++i)
    EXPECT_LT(std::string(loss_table()[i - 1].name), loss_table()[i].name);
}

}  // namespace
}  // namespace lodestone::testing
