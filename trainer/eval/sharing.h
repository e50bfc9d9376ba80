#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <ATen/ops/empty.h>

#include "distributed/group.h"

namespace lodestone::eval {

/// The half-open interval [begin, end) of queries, pairs or resamples.
struct ItemRange {
  int64_t begin = 0;
  int64_t end = 0;
};

/// The range of `count` items that this rank processes. Ranges follow each other in rank order, cover all
/// items and differ by at most one in size; with fewer items than ranks some are empty.
inline ItemRange range_of_rank(int64_t count, const distributed::Group& group) {
  return {count * group.rank() / group.size(), count * (group.rank() + 1) / group.size()};
}

/// Gathers the items of all ranks, in rank order, on every rank, so that later results equal those of one
/// rank bit for bit.
/// Ranks     collective
template <typename T>
std::vector<T> gather_items(const distributed::Group& group, std::vector<T> own) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (group.size() == 1) return own;
  const auto bytes = static_cast<int64_t>(own.size() * sizeof(T));
  at::Tensor own_n = at::empty({bytes}, at::kByte);
  if (bytes > 0) std::memcpy(own_n.mutable_data_ptr(), own.data(), static_cast<size_t>(bytes));
  const at::Tensor all_n = group.all_gather(own_n).contiguous();
  std::vector<T> all(static_cast<size_t>(all_n.numel()) / sizeof(T));
  if (!all.empty()) std::memcpy(all.data(), all_n.const_data_ptr(), all.size() * sizeof(T));
  return all;
}

}  // namespace lodestone::eval
