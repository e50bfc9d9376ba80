#pragma once

#include <span>
#include <vector>

#include "trainer/eval/alignment.h"
#include "trainer/eval/bootstrap.h"
#include "trainer/eval/one_shot.h"
#include "trainer/eval/pairs.h"
#include "trainer/eval/query_gallery.h"
#include "trainer/eval/retrieval.h"
#include "trainer/eval/verification.h"

namespace lodestone {

struct JudgeOptions {
  RetrievalOptions retrieval;
  PairOptions pairs;
  SpreadOptions spread;
  BootstrapOptions bootstrap;
};

/// Everything there is to say of one set of rows.
struct Judgement {
  Measures measures;
  std::vector<Interval> intervals;  ///< of the measures that have one, if resamples were asked for
  std::vector<RocPoint> roc;
  DistanceHistogram distances;
  Retrieval retrieval;
};

/// Retrieval, verification over the pairs and (for kCosine) alignment, of rows that are compared in any way.
/// Ranks     as below
Judgement judge(const Comparison& rows, std::span<const int64_t> groups_N, std::span<const int64_t> labels_N,
                const JudgeOptions& options = {}, const Group& group = single_group());

/// Judges a set of rows: retrieval, verification over its pairs, and (for kCosine) alignment, uniformity and effective_rank. Model and
/// floor pass through the same code, so that their figures compare.
/// `parts`   who asks and who may be found in retrieval; null: leave-one-out. All else is of all pairs.
/// Ranks     collective, every rank with the same rows: queries, pairs and resamples are shared out. The judgement is rank 0's, the
///           same bits for any number of ranks; elsewhere it is empty
/// Cost      2·N²·D flops and one sort of the compared pairs; with resamples, see bootstrap.h
Judgement judge(const LabelledRows& rows, const JudgeOptions& options = {},
                const RetrievalParts* parts = nullptr, const Group& group = single_group());

/// Adds the share of trials that are answered rightly as measure `name`, and with resamples its interval over the trials.
/// Ranks     one does it by itself: trials are few
void judge_trials(const char* name, const Comparison& rows, std::span<const OneShotTrial> trials,
                  const JudgeOptions& options, Judgement& result);

/// Adds spearman and graded_pairs of pairs whose likeness somebody has graded, and with resamples its interval over the pairs.
/// Ranks     as above
void judge_graded(std::span<const double> likeness_P, std::span<const double> grade_P,
                  const JudgeOptions& options, Judgement& result);

}  // namespace lodestone
