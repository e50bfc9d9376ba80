#pragma once

#include <vector>

#include "trainer/eval/alignment.h"
#include "trainer/eval/pairs.h"
#include "trainer/eval/retrieval.h"
#include "trainer/eval/verification.h"

namespace lodestone {

struct JudgeOptions {
  RetrievalOptions retrieval;
  PairOptions pairs;
  SpreadOptions spread;
};

/// Everything there is to say of one set of rows.
struct Judgement {
  Measures measures;
  std::vector<RocPoint> roc;
  DistanceHistogram distances;
};

/// Retrieval, verification over the pairs and (for kCosine) alignment, of rows that are compared in any way.
Judgement judge(const Comparison& rows, std::span<const int64_t> groups_N, std::span<const int64_t> labels_N,
                const JudgeOptions& options = {});

/// Judges a set of rows, leave-one-out: retrieval, verification over its pairs, and (for kCosine) alignment,
/// uniformity and effective_rank. Model and floor pass through the same code, so that their figures compare.
/// Ranks     one; share the queries by retrieve(NeighbourSearch) and add the RetrievalSums
/// Cost      2·N²·D flops and one sort of the compared pairs
Judgement judge(const LabelledRows& rows, const JudgeOptions& options = {});

}  // namespace lodestone
