#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "distributed/group.h"

namespace lodestone::distributed {

/// A sum of numbered parts whose bits do not depend on how the parts are divided among ranks.
/// Math      neighbouring parts are added in pairs, then pairs of pairs, and so on: the tree depends only on
///           the number of parts. If that is no power of two, there are several trees, which are added from
///           the last to the first.
/// Ranks     construction and total are collective. Each rank has consecutive parts, in rank order.
/// Cost      per total: each rank sends the sums of its complete subtrees to every other rank: one of P bytes
///           if its parts form one subtree, else at most 2 log2(parts). This is an all_gather of K P bytes
///           for K subtrees on all ranks, where an all_reduce sends 2 P. Memory: a rank's own subtrees, and K
///           pieces of 4 MiB.
/// Throws    CommError.
/// Threads   one.
class OrderedSum {
 public:
  /// `count` is the number of this rank's parts, which may be 0.
  OrderedSum(Group group, int64_t count);

  /// Adds this rank's next part. `x_n` has one dimension, the same n for all parts, and may be modified by
  /// the sum.
  void add(at::Tensor x_n);
  /// Returns the sum of all parts, with the same bits on every rank, and starts the next sum. `like_n` gives
  /// n and dtype on ranks without parts. Throws Error if this rank did not add all its parts.
  at::Tensor total(const at::Tensor& like_n);

  /// Number of parts on all ranks.
  int64_t parts() const { return end_.back(); }
  int64_t first() const;
  int64_t count() const { return end_[static_cast<size_t>(group_.rank())] - first(); }

 private:
  /// The sum of parts [index 2^level, (index + 1) 2^level).
  struct Node {
    int64_t level = 0, index = 0;
    at::Tensor sum_n;
  };
  static void push(std::vector<Node>& nodes, Node node);
  static at::Tensor fold(const std::vector<Node>& nodes);
  std::vector<Node> places(int rank) const;

  Group group_;
  std::vector<int64_t> end_;  ///< by rank: one past its last part
  int64_t added_ = 0;
  std::vector<Node> mine_;
};

}  // namespace lodestone::distributed
