#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace lodestone::testing {

/// A batch as plain numbers with normalised rows: the input of oracles.
struct Plain {
  /// From a batch with z_bD, label_b, group_b and id_b.
  template <typename Rows>
  explicit Plain(const Rows& batch) : B(static_cast<int>(batch.z_bD.size(0))) {
    const int64_t D = batch.z_bD.size(1);
    for (int i = 0; i < B; ++i) {
      std::vector<double> row;
      double norm = 0;
      for (int64_t k = 0; k < D; ++k) {
        row.push_back(batch.z_bD[i][k].template item<double>());
        norm += row.back() * row.back();
      }
      for (double& x : row) x /= std::sqrt(norm);
      u.push_back(row);
      label.push_back(batch.label_b[i].template item<int64_t>());
      group.push_back(batch.group_b[i].template item<int64_t>());
      id.push_back(batch.id_b[i].template item<int64_t>());
    }
  }
  bool pos(int i, int j) const { return i != j && label[at(i)] == label[at(j)]; }
  bool neg(int i, int j) const { return group[at(i)] != group[at(j)] && id[at(i)] != id[at(j)]; }
  double s(int i, int j) const { return similarity(u[at(i)], u[at(j)]); }
  double d(int i, int j) const { return distance(u[at(i)], u[at(j)]); }

  static double similarity(const std::vector<double>& x, const std::vector<double>& y) {
    double sum = 0;
    for (size_t k = 0; k < x.size(); ++k) sum += x[k] * y[k];
    return sum;
  }
  static double distance(const std::vector<double>& x, const std::vector<double>& y) {
    double sum = 0;
    for (size_t k = 0; k < x.size(); ++k) sum += (x[k] - y[k]) * (x[k] - y[k]);
    return std::sqrt(sum);
  }
  static size_t at(int i) { return static_cast<size_t>(i); }

  int B;
  std::vector<std::vector<double>> u;
  std::vector<int64_t> label, group, id;
};

/// 0 without items.
inline double mean(double sum, double count) {
  return count > 0 ? sum / count : 0;
}

}  // namespace lodestone::testing
