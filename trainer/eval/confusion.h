#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trainer/eval/retrieval.h"

namespace lodestone {

/// Queries of one class whose nearest row is of another.
struct Confusion {
  int64_t from;     ///< label of the queries
  int64_t to;       ///< label of their nearest row
  int64_t count;    ///< how many queries
  int64_t queries;  ///< of so many of their class that are not lone
};

/// The `most` pairs of classes confused most often, most often first, then by labels; look-alikes are not confused.
/// Requires  labels of the queries and of the gallery, by row
std::vector<Confusion> most_confused(const Retrieval& found, std::span<const int64_t> query_labels,
                                     std::span<const int64_t> gallery_labels, int64_t most = 12);

}  // namespace lodestone
