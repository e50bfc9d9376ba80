#include "distributed/reductions/ordered_sum.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include "common/error.h"

namespace lodestone::distributed {

namespace {

constexpr int64_t kPiece = int64_t{1} << 20;  // elements per all_gather

}  // namespace

OrderedSum::OrderedSum(Group group, int64_t count)
    : group_(std::move(group)), end_(group_.gather_counts(count)) {
  for (size_t rank = 1; rank < end_.size(); ++rank) end_[rank] += end_[rank - 1];
}

int64_t OrderedSum::first() const {
  return group_.rank() == 0 ? 0 : end_[static_cast<size_t>(group_.rank()) - 1];
}

// An odd node after its even neighbour completes the parent of both.
void OrderedSum::push(std::vector<Node>& nodes, Node node) {
  while (node.index % 2 == 1 && !nodes.empty() && nodes.back().level == node.level) {
    if (node.sum_n.defined()) node.sum_n = nodes.back().sum_n.add_(node.sum_n);
    nodes.pop_back();
    ++node.level;
    node.index /= 2;
  }
  nodes.push_back(std::move(node));
}

at::Tensor OrderedSum::fold(const std::vector<Node>& nodes) {
  at::Tensor sum_n = nodes.back().sum_n;
  for (auto node = nodes.rbegin() + 1; node != nodes.rend(); ++node) sum_n = node->sum_n.add_(sum_n);
  return sum_n;
}

std::vector<OrderedSum::Node> OrderedSum::places(int rank) const {
  std::vector<Node> nodes;
  for (int64_t part = rank == 0 ? 0 : end_[static_cast<size_t>(rank) - 1];
       part < end_[static_cast<size_t>(rank)]; ++part)
    push(nodes, {0, part, {}});
  return nodes;
}

void OrderedSum::add(at::Tensor x_n) {
  const at::NoGradGuard no_grad;
  push(mine_, {0, first() + added_++, std::move(x_n)});
}

at::Tensor OrderedSum::total(const at::Tensor& like_n) {
  const at::NoGradGuard no_grad;
  if (added_ != count())
    throw Error("ordered sum: expected " + std::to_string(count()) + " parts of this rank, got " +
                std::to_string(added_));
  added_ = 0;
  const std::vector<Node> mine = std::move(mine_);
  mine_.clear();
  if (parts() == 0) return at::zeros_like(like_n);
  if (group_.size() == 1) return fold(mine);
  std::vector<Node> all;
  std::vector<int64_t> counts;
  for (int rank = 0; rank < group_.size(); ++rank) {
    const std::vector<Node> theirs = places(rank);
    counts.push_back(static_cast<int64_t>(theirs.size()));
    all.insert(all.end(), theirs.begin(), theirs.end());
  }
  at::Tensor total_n = at::empty_like(like_n);
  const int64_t n = like_n.size(0);
  for (int64_t begin = 0; begin < n; begin += kPiece) {
    const int64_t size = std::min(kPiece, n - begin);
    at::Tensor piece_kn = at::empty({static_cast<int64_t>(mine.size()), size}, like_n.options());
    for (size_t k = 0; k < mine.size(); ++k)
      piece_kn[static_cast<int64_t>(k)].copy_(mine[k].sum_n.narrow(0, begin, size));
    const at::Tensor gathered_Kn = group_.all_gather(piece_kn, counts);
    std::vector<Node> nodes;
    for (size_t k = 0; k < all.size(); ++k)
      push(nodes, {all[k].level, all[k].index, gathered_Kn[static_cast<int64_t>(k)]});
    total_n.narrow(0, begin, size).copy_(fold(nodes));
  }
  return total_n;
}

}  // namespace lodestone::distributed
