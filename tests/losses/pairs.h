#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/plain.h"

namespace lodestone::testing {

/// A anchors with C refs each, as plain numbers: what the oracles of losses compute with. A batch has its
/// rows as anchors and as refs. Two towers have the rows of the one and then those of the other as anchors, C
/// = A / 2: pair (i, j) of the towers is (i, j) and (C + j, i) here.
struct Pairs {
  Pairs(int anchors, int refs)
      : A(anchors), C(refs), similarity(size()), distance(size()), positive(size()), negative(size()) {}
  explicit Pairs(const Plain& batch) : Pairs(batch.B, batch.B) {
    meet(0, batch, batch);
    for (int i = 0; i < A; ++i) positive[at(i, i)] = 0;
  }
  /// Fills the rows from `first` on by labels, groups and ids.
  void meet(int first, const Plain& anchors, const Plain& refs) {
    for (int a = 0; a < anchors.B; ++a)
      for (int j = 0; j < refs.B; ++j) {
        const size_t row = Plain::at(a), column = Plain::at(j), pair = at(first + a, j);
        set(first + a, j, anchors.u[row], refs.u[column]);
        positive[pair] = anchors.label[row] == refs.label[column];
        negative[pair] = anchors.group[row] != refs.group[column] && anchors.id[row] != refs.id[column];
      }
  }
  void set(int i, int j, const std::vector<double>& anchor, const std::vector<double>& ref) {
    similarity[at(i, j)] = Plain::similarity(anchor, ref);
    distance[at(i, j)] = Plain::distance(anchor, ref);
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
/// by_reference.cpp asks the loss itself, by_engine.cpp the whole engine.
void expect_loss(const std::string& loss, const std::string& settings, const Oracle& oracle);

}  // namespace lodestone::testing
