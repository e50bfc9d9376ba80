#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

namespace lodestone::sampler {

/// Unit-length class means at one step. Row c is the direction of class c, or zeros if no sample of it was
/// seen.
struct ClassDirections {
  int64_t width = 0;
  std::vector<float> rows;  ///< classes · width

  std::span<const float> row(int64_t c) const {
    return std::span(rows).subspan(static_cast<size_t>(c * width), static_cast<size_t>(width));
  }
  bool seen(int64_t c) const;
  /// Cosines of class c with every class; -2 for classes never seen. Cost: 2 · classes · width flops.
  std::vector<float> cosines(int64_t c) const;
};

/// Running means of the classes' embeddings, scaled to unit length.
/// Math      m_c <- decay · m_c + (1 - decay) · (mean of the batch's rows of class c); the first time, m_c <-
///           that mean
/// Memory    4 bytes per class and dimension.
/// Ensures   the same rows in the same order give the same bits.
class ClassMeans {
 public:
  ClassMeans(int64_t classes, double decay) : classes_(classes), decay_(decay) {}

  /// Throws Error if the width differs from before or a label is out of range.
  void add(std::span<const int64_t> labels, const at::Tensor& z_BD);
  ClassDirections directions() const;

  /// [classes, width], width 0 before the first add; zeros for a class never seen.
  const ClassDirections& raw() const { return means_; }
  void restore(ClassDirections means) { means_ = std::move(means); }

 private:
  int64_t classes_;
  double decay_;
  ClassDirections means_;
};

}  // namespace lodestone::sampler
