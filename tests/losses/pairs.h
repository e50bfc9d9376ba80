#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/plain.h"

namespace lodestone::testing {

/// A anchors with C references each, as plain numbers: what the oracles of losses compute with. A batch has
/// its rows as anchors and as references. Two towers have the rows of the one and then those of the other as
/// anchors, C = A / 2: pair (i, j) of the towers is (i, j) and (C + j, i) here.
struct Pairs {
  Pairs(int anchors, int references)
      : A(anchors), C(references), similarity(size()), distance(size()), positive(size()), negative(size()) {}
  explicit Pairs(const Plain& batch) : Pairs(batch.B, batch.B) {
    compare(0, batch, batch);
    for (int i = 0; i < A; ++i) positive[at(i, i)] = 0;
  }
  /// Fills the rows from `first` on by labels, groups and ids.
  void compare(int first, const Plain& anchors, const Plain& references) {
    for (int a = 0; a < anchors.B; ++a)
      for (int j = 0; j < references.B; ++j) {
        const size_t row = Plain::at(a), column = Plain::at(j), pair = at(first + a, j);
        set(first + a, j, anchors.u[row], references.u[column]);
        positive[pair] = anchors.label[row] == references.label[column];
        negative[pair] =
            anchors.group[row] != references.group[column] && anchors.id[row] != references.id[column];
      }
  }
  void set(int i, int j, const std::vector<double>& anchor, const std::vector<double>& reference) {
    similarity[at(i, j)] = Plain::similarity(anchor, reference);
    distance[at(i, j)] = Plain::distance(anchor, reference);
  }

  double s(int i, int j) const { return similarity[at(i, j)]; }
  double d(int i, int j) const { return distance[at(i, j)]; }
  /// How often the pair counts as a positive, as a negative.
  double pos(int i, int j) const { return positive[at(i, j)]; }
  double neg(int i, int j) const { return negative[at(i, j)]; }
  size_t at(int i, int j) const {
    return static_cast<size_t>(i) * static_cast<size_t>(C) + static_cast<size_t>(j);
  }
  size_t size() const { return static_cast<size_t>(A) * static_cast<size_t>(C); }

  int A, C;
  std::vector<double> similarity, distance, positive, negative;
};

using Oracle = std::function<double(const Pairs&)>;

/// The loss with these settings (YAML) against a double loop, over several random batches. Two twins:
/// by_oracle.cpp asks the loss itself, by_engine.cpp the whole engine.
void expect_loss(const std::string& loss, const std::string& settings, const Oracle& oracle);

}  // namespace lodestone::testing
