#include "trainer/eval/rows.h"

#include <cmath>
#include <string>

#include "common/error.h"
#include "common/simd.h"

namespace lodestone::eval {

namespace {

constexpr int64_t kLanes = 8;

double sum_of_lanes(const double (&lanes)[kLanes]) {
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

// Eight partial sums let the compiler use vector instructions although it may not reorder anything. A
// product of two float32 is exact in float64, so fused multiply-adds change no bit.
LODESTONE_CLONES double dot(const float* a, const float* b, int64_t width) {
  double lanes[kLanes] = {};
  int64_t d = 0;
  for (; d + kLanes <= width; d += kLanes)
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += static_cast<double>(a[d + l]) * b[d + l];
  for (; d < width; ++d) lanes[d % kLanes] += static_cast<double>(a[d]) * b[d];
  return sum_of_lanes(lanes);
}

double squared_distance(const float* a, const float* b, int64_t width) {
  double lanes[kLanes] = {};
  int64_t d = 0;
  for (; d + kLanes <= width; d += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) {
      const double difference = static_cast<double>(a[d + l]) - b[d + l];
      lanes[l] += difference * difference;
    }
  }
  for (; d < width; ++d) {
    const double difference = static_cast<double>(a[d]) - b[d];
    lanes[d % kLanes] += difference * difference;
  }
  return sum_of_lanes(lanes);
}

}  // namespace

ComparableRows::ComparableRows(const at::Tensor& x_ND, Similarity similarity) : similarity_(similarity) {
  if (x_ND.dim() != 2 || x_ND.size(1) < 1 || !at::isFloatingType(x_ND.scalar_type())) {
    throw Error("evaluation: expected floating rows [N, D] with D >= 1, got " + std::to_string(x_ND.dim()) +
                " dimensions of type " + c10::toString(x_ND.scalar_type()));
  }
  x_ND_ = x_ND.detach().to(at::kCPU, at::kFloat).contiguous();
  if (similarity == Similarity::kCosine && x_ND_.is_alias_of(x_ND)) x_ND_ = x_ND_.clone();
  data_ = x_ND_.const_data_ptr<float>();
  squared_norms_N_.resize(static_cast<size_t>(size()));
  for (int64_t i = 0; i < size(); ++i) {
    double& norm = squared_norms_N_[static_cast<size_t>(i)];
    norm = dot(row(i), row(i), width());
    if (!std::isfinite(norm)) {
      throw Error("evaluation: row " + std::to_string(i) +
                  " holds a value that is not finite; the encoder has diverged, or its input is damaged");
    }
    if (similarity == Similarity::kL2 || norm == 0) continue;
    float* values = x_ND_.mutable_data_ptr<float>() + i * width();
    const double length = std::sqrt(norm);
    for (int64_t d = 0; d < width(); ++d) values[d] = static_cast<float>(values[d] / length);
    norm = 1;
  }
}

double score(const ComparableRows& a, int64_t i, const ComparableRows& b, int64_t j) {
  if (a.similarity() == Similarity::kCosine) return dot(a.row(i), b.row(j), a.width());
  return -squared_distance(a.row(i), b.row(j), a.width());
}

double distance_of_score(double score, Similarity similarity) {
  return std::sqrt(std::fmax(0.0, similarity == Similarity::kCosine ? 2 - 2 * score : -score));
}

void check_labelled(const LabelledRows& rows) {
  const int64_t groups = static_cast<int64_t>(rows.groups_N.size());
  if (rows.x_ND.dim() < 1 || rows.x_ND.size(0) != groups) {
    throw Error("evaluation: expected a group for each row, got " + std::to_string(groups) + " groups for " +
                std::to_string(rows.x_ND.dim() < 1 ? 0 : rows.x_ND.size(0)) + " rows");
  }
  if (!rows.labels_N.empty() && rows.labels_N.size() != rows.groups_N.size()) {
    throw Error("evaluation: expected a label for each row or for none, got " +
                std::to_string(rows.labels_N.size()) + " labels for " + std::to_string(groups) + " rows");
  }
}

}  // namespace lodestone::eval
