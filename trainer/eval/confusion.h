#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trainer/eval/retrieval.h"

namespace lodestone::eval {

/// Queries of one class whose nearest row is of another.
struct Confusion {
  int64_t from;     ///< label of the queries
  int64_t to;       ///< label of their nearest row
  int64_t count;    ///< number of such queries
  int64_t queries;  ///< number of queries of their class that are not lone
};

/// The `most` pairs of classes that are confused most often, in descending order, then by labels. Look-alikes
/// do not count as confused.
/// Requires  labels of the queries and of the gallery, by row
std::vector<Confusion> most_confused(const Retrieval& found, std::span<const int64_t> query_labels,
                                     std::span<const int64_t> gallery_labels, int64_t most = 12);

}  // namespace lodestone::eval
