#include "trainer/eval/comparison.h"

namespace lodestone::eval {

Comparison compare_rows(const ComparableRows& rows, std::span<const int64_t> groups_N) {
  return {rows.size(), rows.similarity(), [&rows](int64_t i, int64_t j) { return score(rows, i, rows, j); },
          [&rows, groups_N](ItemRange queries, const auto& depth, const auto& visit) {
            for_each_query({rows, groups_N, rows, groups_N, 0, queries}, depth, visit);
          }};
}

}  // namespace lodestone::eval
