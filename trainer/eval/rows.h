#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/fields.h"

namespace lodestone::eval {

/// Rows to evaluate (embeddings, or raw pixels for the baseline) with their groups and labels. Rows of one
/// group count as "the same". A group is a class, or, in a data set with classes that look alike (the Latin
/// and the Greek A), a look-alike group. Rows of equal label must be of equal group. Class labels matter only
/// for verification: two rows of one group but different classes look alike, and whether they are "the same"
/// has no right answer, so such a pair is neither positive nor negative.
/// Shapes    x_ND floating point, any device; groups_N.size() == N
struct LabelledRows {
  at::Tensor x_ND;
  std::vector<int64_t> groups_N;
  std::vector<int64_t> labels_N = {};  ///< empty: as groups_N

  const std::vector<int64_t>& labels() const { return labels_N.empty() ? groups_N : labels_N; }
};

/// The similarity of two rows; larger is more alike.
/// kCosine   x·y / (|x| |y|); a zero row has 0 with every row
/// kL2       -|x - y|²
enum class Similarity { kCosine, kL2 };
inline constexpr Choice<Similarity> kSimilarities[] = {{"cosine", Similarity::kCosine},
                                                       {"l2", Similarity::kL2}};

/// Rows prepared for comparison: float32, contiguous, on the CPU, of unit length for kCosine. A score is a
/// float64 sum in an order that depends only on the width: equal rows score exactly equal, whatever the tile
/// or the thread. Ties are therefore real ties, and can be counted against the model.
/// Cost      construction O(N·D)
/// Throws    Error if x is not [N, D] with D >= 1, or holds a value that is not finite (naming the row)
/// Threads   const methods are safe concurrently
class ComparableRows {
 public:
  ComparableRows(const at::Tensor& x_ND, Similarity similarity);

  int64_t size() const { return x_ND_.size(0); }
  int64_t width() const { return x_ND_.size(1); }
  Similarity similarity() const { return similarity_; }
  const at::Tensor& tensor() const { return x_ND_; }
  const float* row(int64_t i) const { return data_ + i * width(); }
  /// |x_i|² of the rows as compared: 1 or 0 for kCosine.
  const std::vector<double>& squared_norms() const { return squared_norms_N_; }

 private:
  Similarity similarity_;
  at::Tensor x_ND_;
  const float* data_;
  std::vector<double> squared_norms_N_;
};

/// The similarity of row i of `a` and row j of `b`. Requires: same width and similarity, indices in range.
double score(const ComparableRows& a, int64_t i, const ComparableRows& b, int64_t j);

/// The Euclidean distance of a score: sqrt(2 - 2 s) between unit rows for kCosine, sqrt(-s) for kL2.
double distance_of_score(double score, Similarity similarity);

/// Throws Error unless groups_N names a group for each of the rows, and labels_N a label for each or for
/// none.
void check_labelled(const LabelledRows& rows);

}  // namespace lodestone::eval
