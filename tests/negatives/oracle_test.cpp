// Each loss against double loops in its own notation, written without tensors.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "support/batches.h"
#include "support/objectives.h"

namespace lodestone::testing {
namespace {

/// The batch as plain numbers.
struct Plain {
  explicit Plain(const LocalRows& batch) : B(static_cast<int>(batch.z_bD.size(0))) {
    const int64_t D = batch.z_bD.size(1);
    for (int i = 0; i < B; ++i) {
      std::vector<double> row;
      double norm = 0;
      for (int64_t k = 0; k < D; ++k) {
        row.push_back(batch.z_bD[i][k].item<double>());
        norm += row.back() * row.back();
      }
      for (double& x : row) x /= std::sqrt(norm);
      u.push_back(row);
      label.push_back(batch.label_b[i].item<int64_t>());
      group.push_back(batch.group_b[i].item<int64_t>());
      id.push_back(batch.id_b[i].item<int64_t>());
    }
  }
  bool pos(int i, int j) const { return i != j && label[at(i)] == label[at(j)]; }
  bool neg(int i, int j) const { return group[at(i)] != group[at(j)] && id[at(i)] != id[at(j)]; }
  double s(int i, int j) const {
    double sum = 0;
    for (size_t k = 0; k < u[at(i)].size(); ++k) sum += u[at(i)][k] * u[at(j)][k];
    return sum;
  }
  double d(int i, int j) const {
    double sum = 0;
    for (size_t k = 0; k < u[at(i)].size(); ++k) sum += std::pow(u[at(i)][k] - u[at(j)][k], 2);
    return std::sqrt(sum);
  }
  static size_t at(int i) { return static_cast<size_t>(i); }

  int B;
  std::vector<std::vector<double>> u;
  std::vector<int64_t> label, group, id;
};

double mean(double sum, double count) { return count > 0 ? sum / count : 0; }

void expect_loss(const Case& c, const std::function<double(const Plain&)>& oracle) {
  const MadeCase made(c);
  for (uint64_t seed = 31; seed < 34; ++seed) {
    const LocalRows batch = random_batch(19, 4, seed);
    const double expected = oracle(Plain(batch));
    EXPECT_NEAR(global_batch_loss(single_group(), batch, made.objective()).loss, expected, 1e-12 * expected) << c;
  }
}

TEST(Oracle, Contrastive) {
  for (const bool squared : {false, true})
    for (const bool active : {false, true})
      expect_loss({"contrastive", std::string("margin: 1.3, squared: ") + (squared ? "true" : "false") +
                                      ", reduction: " + (active ? "active" : "all"), "all"},
                  [&](const Plain& x) {
                    double pull = 0, push = 0, pulls = 0, pushes = 0;
                    for (int i = 0; i < x.B; ++i)
                      for (int j = 0; j < x.B; ++j) {
                        const double near = std::max(0.0, 1.3 - x.d(i, j));
                        if (x.pos(i, j)) {
                          pull += squared ? x.d(i, j) * x.d(i, j) : x.d(i, j);
                          pulls += !active || x.d(i, j) > 0;
                        }
                        if (x.neg(i, j)) {
                          push += squared ? near * near : near;
                          pushes += !active || near > 0;
                        }
                      }
                    return mean(pull, pulls) + mean(push, pushes);
                  });
}

TEST(Oracle, TripletOverAll) {
  for (const bool soft : {false, true})
    expect_loss({"triplet", std::string("margin: 0.4, soft_margin: ") + (soft ? "true" : "false"), "all"},
                [&](const Plain& x) {
                  double sum = 0, count = 0;
                  for (int a = 0; a < x.B; ++a)
                    for (int p = 0; p < x.B; ++p)
                      for (int n = 0; n < x.B; ++n) {
                        if (!x.pos(a, p) || !x.neg(a, n)) continue;
                        const double gap = x.d(a, p) - x.d(a, n);
                        const double loss = soft ? std::log1p(std::exp(gap)) : std::max(0.0, 0.4 + gap);
                        sum += loss;
                        count += soft || loss > 0;
                      }
                  return mean(sum, count);
                });
}

// The tuples a miner must pick, from its definition.
struct Triplet {
  int a, p, n;
};

std::vector<Triplet> batch_hard(const Plain& x) {
  std::vector<Triplet> all;
  for (int a = 0; a < x.B; ++a) {
    Triplet t{a, -1, -1};
    for (int j = 0; j < x.B; ++j) {
      if (x.pos(a, j) && (t.p < 0 || x.d(a, j) > x.d(a, t.p))) t.p = j;
      if (x.neg(a, j) && (t.n < 0 || x.d(a, j) < x.d(a, t.n))) t.n = j;
    }
    if (t.p >= 0 && t.n >= 0) all.push_back(t);
  }
  return all;
}

std::vector<Triplet> semi_hard(const Plain& x) {
  std::vector<Triplet> all;
  for (int a = 0; a < x.B; ++a)
    for (int p = 0; p < x.B; ++p) {
      if (!x.pos(a, p)) continue;
      int best = -1;
      for (int n = 0; n < x.B; ++n)
        if (x.neg(a, n) && x.d(a, n) > x.d(a, p) && x.d(a, n) < x.d(a, p) + 0.2 && (best < 0 || x.d(a, n) < x.d(a, best)))
          best = n;
      if (best >= 0) all.push_back({a, p, best});
    }
  return all;
}

TEST(Oracle, TripletWithMiners) {
  for (const std::string miner : {"batch_hard", "semi_hard"})
    for (const bool swap : {false, true})
      expect_loss({"triplet", std::string("margin: 0.5, swap: ") + (swap ? "true" : "false"), miner}, [&](const Plain& x) {
        double sum = 0, count = 0;
        for (const auto& [a, p, n] : miner == "batch_hard" ? batch_hard(x) : semi_hard(x)) {
          const double far = swap ? std::min(x.d(a, n), x.d(p, n)) : x.d(a, n);
          const double loss = std::max(0.0, 0.5 + x.d(a, p) - far);
          sum += loss;
          count += loss > 0;
        }
        return mean(sum, count);
      });
}

TEST(Oracle, ContrastiveWithMiners) {
  for (const std::string miner : {"batch_hard", "semi_hard"})
    expect_loss({"contrastive", "", miner}, [&](const Plain& x) {
      double pull = 0, push = 0, pulls = 0, pushes = 0;
      for (const auto& [a, p, n] : miner == "batch_hard" ? batch_hard(x) : semi_hard(x)) {
        pull += x.d(a, p);
        pulls += x.d(a, p) > 0;
        push += std::max(0.0, 1 - x.d(a, n));
        pushes += x.d(a, n) < 1;
      }
      return mean(pull, pulls) + mean(push, pushes);
    });
}

TEST(Oracle, SupCon) {
  expect_loss({"supcon", "temperature: 0.2", "all"}, [](const Plain& x) {
    double sum = 0, anchors = 0;
    for (int i = 0; i < x.B; ++i) {
      double denominator = 0, positives = 0, inner = 0;
      for (int j = 0; j < x.B; ++j)
        if (x.pos(i, j) || x.neg(i, j)) denominator += std::exp(x.s(i, j) / 0.2);
      for (int p = 0; p < x.B; ++p)
        if (x.pos(i, p)) {
          inner += std::log(std::exp(x.s(i, p) / 0.2) / denominator);
          ++positives;
        }
      if (positives > 0) {
        sum -= inner / positives;
        ++anchors;
      }
    }
    return mean(sum, anchors);
  });
}

}  // namespace
}  // namespace lodestone::testing
