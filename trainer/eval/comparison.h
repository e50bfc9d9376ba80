#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "trainer/eval/neighbours.h"
#include "trainer/eval/rows.h"

namespace lodestone::eval {

/// The similarity of rows i and j of a set; larger is more alike.
using PairScore = std::function<double(int64_t i, int64_t j)>;

/// for_each_query with a fixed search: passes the depth(query) best rows of each query of a range to `visit`,
/// best first, in order of the queries.
using FindNeighbours =
    std::function<void(ItemRange queries, const std::function<int64_t(int64_t query)>& depth,
                       const std::function<void(int64_t query, std::span<const Neighbour>)>& visit)>;

/// A set of rows that can be compared with each other, of any kind: embeddings, pixels, or texts as sparse
/// vectors. Metrics see no more of them than this.
struct Comparison {
  int64_t size = 0;
  Similarity similarity = Similarity::kCosine;
  PairScore score;            ///< safe concurrently
  FindNeighbours neighbours;  ///< leave-one-out; the rows of the query's group are relevant
};

/// Compares dense rows. `rows` and `groups_N` must outlive the comparison.
Comparison compare_rows(const ComparableRows& rows, std::span<const int64_t> groups_N);

}  // namespace lodestone::eval
