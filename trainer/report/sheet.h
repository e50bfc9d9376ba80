#pragma once

#include <cstdint>
#include <vector>

#include "trainer/eval/neighbours.h"
#include "trainer/eval/rows.h"

namespace lodestone::report {

/// Size of an image sheet, and the similarity that orders neighbours.
struct SheetOptions {
  int64_t sample = 12;  ///< queries chosen at random
  int64_t worst = 6;    ///< wrong queries, at most one of each group
  int64_t neighbours = 5;
  eval::Similarity similarity = eval::Similarity::kCosine;
  uint64_t seed = 0;
};

/// One query of the sheet with its nearest rows.
struct SheetQuery {
  int64_t query;
  std::vector<eval::Neighbour> nearest;  ///< best first, ties against the model
  int64_t relevant;                      ///< number of rows that are relevant to it
  double margin;  ///< score of its nearest relevant row minus that of its nearest irrelevant one
};

/// The queries of an image sheet.
struct SheetPlan {
  std::vector<SheetQuery> sample;  ///< a fair sample: chosen by the seed before anything is scored
  std::vector<SheetQuery> worst;   ///< margins of 0 and below, smallest first
};

/// Chooses the queries of an image sheet and finds their neighbours, leave-one-out. Lone rows are never
/// chosen.
/// Cost      one search to depth max(neighbours, R + 1); 2·N²·D flops
SheetPlan plan_sheet(const eval::LabelledRows& rows, const SheetOptions& options = {});

}  // namespace lodestone::report
