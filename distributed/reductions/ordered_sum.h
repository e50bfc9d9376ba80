#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "distributed/group.h"

namespace lodestone {

/// A sum over numbered parts that has the same bits however the parts are shared out over ranks.
/// Math       neighbours are added in pairs, pairs of pairs after that, and so on: the tree depends on the number of parts alone.
///            A number of parts that is no power of two leaves several trees, which are added from the last to the first.
/// Ranks      construction and total are collective. A rank's parts follow each other, and ranks' parts follow in rank order.
/// Cost       per total: each rank sends the sums of its whole subtrees, one of P bytes where its parts make one subtree and at most
///            2 log2(parts) else, to every other: an all_gather of K P bytes for K subtrees over all ranks, where an all_reduce
///            sends 2 P. Memory: a rank's own subtrees, and K pieces of 4 MiB.
/// Throws     CommError.
/// Threads    one.
class OrderedSum {
 public:
  /// `count` is how many parts this rank has; it may be 0.
  OrderedSum(Group group, int64_t count);

  /// The rank's next part: `x_n` has one dimension, n is the same for all parts, and it is the sum's to change.
  void add(at::Tensor x_n);
  /// The sum of all parts, the same bits on every rank; then begins anew. `like_n` gives n and type where this rank has no part.
  /// Throws Error if the rank did not add all its parts.
  at::Tensor total(const at::Tensor& like_n);

  /// How many parts there are on all ranks.
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

}  // namespace lodestone
