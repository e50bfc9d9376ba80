#include "trainer/negatives/solvers/positive_table.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>

#include "trainer/negatives/kernels/measure.h"

namespace lodestone::negatives {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Positives as a list.
struct Found {
  at::Tensor row_p, reference_p;  ///< row of the batch, number of the reference
  at::Tensor distance_p;
};

// The positives of rows [first, first + rows); the list is ordered by row.
miners::Positives table_of(const Found& found, int64_t first, int64_t rows) {
  const at::Tensor row_p = first == 0 ? found.row_p : found.row_p - first;
  const at::Tensor count_r = at::bincount(row_p, {}, rows);
  const int64_t width = rows == 0 ? 0 : count_r.max().item<int64_t>();
  const at::Tensor slot_p =
      at::arange(row_p.size(0), row_p.options()) - (count_r.cumsum(0) - count_r).index_select(0, row_p);
  miners::Positives table{at::full({rows, width}, kInfinity, found.distance_p.options()),
                          at::full({rows, width}, -1, row_p.options())};
  table.distance_aP.index_put_({row_p, slot_p}, found.distance_p);
  table.index_aP.index_put_({row_p, slot_p}, found.reference_p);
  return table;
}

Found list_of(const miners::Positives& table, int64_t first) {
  const at::Tensor there_aP = table.index_aP >= 0;
  return {there_aP.nonzero().select(1, 0) + first, table.index_aP.index({there_aP}),
          table.distance_aP.index({there_aP})};
}

Found gathered(const distributed::Group& scope, const Found& own) {
  const std::vector<int64_t> counts = scope.gather_counts(own.row_p.size(0));
  const at::Tensor index_p2 = scope.all_gather(at::stack({own.row_p, own.reference_p}, 1), counts);
  return {index_p2.select(1, 0), index_p2.select(1, 1), scope.all_gather(own.distance_p, counts)};
}

Found by_row(const Found& found, int64_t references) {
  const at::Tensor order_p = at::argsort(found.row_p * references + found.reference_p);
  return {found.row_p.index_select(0, order_p), found.reference_p.index_select(0, order_p),
          found.distance_p.index_select(0, order_p)};
}

Found joined(const std::vector<Found>& parts) {
  std::vector<at::Tensor> rows, references, distances;
  for (const Found& part : parts) {
    rows.push_back(part.row_p);
    references.push_back(part.reference_p);
    distances.push_back(part.distance_p);
  }
  return {at::cat(rows), at::cat(references), at::cat(distances)};
}

}  // namespace

miners::Positives positives_of(AnchorWalk& walk, losses::Measure measure,
                               const std::function<miners::Positives(const miners::Positives&)>& keep,
                               bool everywhere) {
  const RowSet& set = walk.rows();
  const auto doubles = set.u_nD.options().dtype(at::kDouble);
  std::vector<Found> parts;
  walk.run([&](const AnchorBlock& e) {
    const auto row_ranges = e.block.masks->row_ranges();
    for (const auto& [row, rows] : row_ranges) {
      PairList pairs = e.block.masks->positives(row, rows);
      if (row > 0) pairs.row_p.add_(row);
      const at::Tensor value_p =
          pair_values(measure, e.block.rows.u_nD, pairs.row_p, e.block.references.u_nD, pairs.reference_p);
      const int64_t first = e.block.rows.first;
      Found found{pairs.row_p + first, pairs.reference_p + e.first_reference,
                  measure == losses::Measure::kSimilarity ? -value_p : value_p};
      // Selects here, so that the memory stays bounded.
      if (keep && row_ranges.size() > 1)
        found = list_of(keep(table_of(found, first + row, rows)), first + row);
      parts.push_back(found);
    }
  });
  const at::Tensor none = at::full({0}, 0, set.label_n.options());
  Found found = parts.empty() ? Found{none, none, at::full({0}, 0.0, doubles)} : joined(parts);
  const bool all_rows = (everywhere || walk.partial()) && walk.scope().size() > 1;
  if (all_rows) found = gathered(walk.scope(), found);
  if (parts.size() > 1 || all_rows) found = by_row(found, walk.references());
  const int64_t first = everywhere || walk.partial() ? 0 : set.first,
                rows = everywhere || walk.partial() ? set.size() : set.local;
  const miners::Positives table = table_of(found, first, rows);
  return keep ? keep(table) : table;
}

}  // namespace lodestone::negatives
