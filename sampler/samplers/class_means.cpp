#include "sampler/samplers/class_means.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "common/error.h"

namespace lodestone::sampler {

namespace {

double norm(std::span<const float> row) {
  double sum = 0.0;
  for (const float v : row) sum += static_cast<double>(v) * v;
  return std::sqrt(sum);
}

/// A sum of unit rows and their number.
struct Sum {
  std::vector<double> values;
  int64_t rows = 0;
};

}  // namespace

bool ClassDirections::seen(int64_t c) const {
  const auto values = row(c);
  return std::any_of(values.begin(), values.end(), [](float v) { return v != 0.0f; });
}

std::vector<float> ClassDirections::cosines(int64_t c) const {
  const int64_t classes = width == 0 ? 0 : static_cast<int64_t>(rows.size()) / width;
  std::vector<float> out;
  out.reserve(static_cast<size_t>(classes));
  const auto own = row(c);
  for (int64_t other = 0; other < classes; ++other) {
    const auto values = row(other);
    float sums[8] = {};  // separate sums, so that the compiler can use vector instructions
    size_t d = 0;
    for (; d + 8 <= values.size(); d += 8)
      for (size_t lane = 0; lane < 8; ++lane) sums[lane] += own[d + lane] * values[d + lane];
    for (; d < values.size(); ++d) sums[0] += own[d] * values[d];
    float sum = 0.0f;
    for (const float lane : sums) sum += lane;
    out.push_back(seen(other) ? sum : -2.0f);
  }
  return out;
}

void ClassMeans::add(std::span<const int64_t> labels, const at::Tensor& z_BD) {
  if (labels.empty()) return;
  const at::Tensor z = z_BD.to(at::kFloat).contiguous();
  const int64_t width = z.size(1);
  if (means_.width == 0) means_ = {width, std::vector<float>(static_cast<size_t>(classes_ * width))};
  if (width != means_.width || z.size(0) != static_cast<int64_t>(labels.size()))
    throw Error("class means: expected " + std::to_string(labels.size()) + " rows of width " +
                std::to_string(means_.width) + ", got " + std::to_string(z.size(0)) + " of " +
                std::to_string(width));
  std::map<int64_t, Sum> sums;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= classes_)
      throw Error("class means: expected labels below " + std::to_string(classes_) + ", got " +
                  std::to_string(labels[i]));
    const std::span<const float> row(z.const_data_ptr<float>() + static_cast<int64_t>(i) * width,
                                     static_cast<size_t>(width));
    const double length = norm(row);
    if (!(length > 0) || !std::isfinite(length)) continue;
    Sum& sum = sums[labels[i]];
    sum.values.resize(row.size());
    ++sum.rows;
    for (size_t d = 0; d < row.size(); ++d) sum.values[d] += row[d] / length;
  }
  for (const auto& [label, sum] : sums) {
    const double keep = means_.seen(label) ? decay_ : 0.0;
    float* mean = means_.rows.data() + label * width;
    for (size_t d = 0; d < sum.values.size(); ++d)
      mean[d] =
          static_cast<float>(keep * mean[d] + (1.0 - keep) * sum.values[d] / static_cast<double>(sum.rows));
  }
}

ClassDirections ClassMeans::directions() const {
  ClassDirections out = means_;
  for (int64_t c = 0; means_.width > 0 && c < classes_; ++c) {
    const double length = norm(out.row(c));
    if (!(length > 0)) continue;
    for (int64_t d = 0; d < out.width; ++d)
      out.rows[static_cast<size_t>(c * out.width + d)] =
          static_cast<float>(out.row(c)[static_cast<size_t>(d)] / length);
  }
  return out;
}

}  // namespace lodestone::sampler
