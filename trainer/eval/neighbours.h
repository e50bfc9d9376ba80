#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "trainer/eval/rows.h"
#include "trainer/eval/sharing.h"

namespace lodestone::eval {

/// One gallery row in the result of a query.
struct Neighbour {
  double score;   ///< similarity, larger is nearer
  int64_t index;  ///< row of the gallery
  bool relevant;  ///< same group as the query
};

/// The order of neighbours: nearer first. TIES COUNT AGAINST THE MODEL: of equally near rows the irrelevant
/// ones come first; remaining ties are ordered by index. A strict total order over distinct indices.
bool ranks_before(const Neighbour& a, const Neighbour& b);

/// A search of queries in a gallery. Holds references, so its arguments must outlive it.
struct NeighbourSearch {
  const ComparableRows& queries;
  std::span<const int64_t> query_groups;
  const ComparableRows& gallery;
  std::span<const int64_t> gallery_groups;
  /// Leave-one-out: query i is row first_self + i of the gallery and never its own neighbour.
  std::optional<int64_t> first_self = {};
  /// The queries to search for; unset: all.
  std::optional<ItemRange> asked = {};
  static constexpr int64_t kTile = 512;  ///< rows: a tile stays within a processor's caches
  int64_t query_tile = kTile;
  int64_t gallery_tile = kTile;
};

/// Finds the depth(query) best gallery rows of each query (fewer if the gallery is smaller) and passes them
/// to `visit`, best first, in order of the queries. Exact: float32 products propose rows, tile by tile, and
/// every row that rounding could lift into the list is scored again in float64 (rows.h), so the result
/// depends on no tile size and no thread count.
/// Ranks     knows none; with `asked` a rank searches its own queries in the whole gallery
/// Cost      2·Q·N·D flops, half of it if all rows are searched among themselves; memory 8 bytes per entry of
///           a tile for each thread and 256 MiB of lists (more if one query's list is longer), never Q·N
/// Throws    Error if widths, similarity, tiles, group counts or the range do not fit
/// Threads   runs on ATen's intra-op threads; depth and visit are called in the caller's thread, visit in
///           order
void for_each_query(const NeighbourSearch& search, const std::function<int64_t(int64_t query)>& depth,
                    const std::function<void(int64_t query, std::span<const Neighbour>)>& visit);

/// The k nearest rows of every query, best first.
std::vector<std::vector<Neighbour>> nearest_neighbours(const NeighbourSearch& search, int64_t k);

/// The k nearest rows of every query without groups: ties are ordered by index alone.
std::vector<std::vector<Neighbour>> nearest_rows(const ComparableRows& queries, const ComparableRows& gallery,
                                                 int64_t k);

}  // namespace lodestone::eval
