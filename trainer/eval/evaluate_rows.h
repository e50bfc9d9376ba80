#pragma once

#include <optional>
#include <span>
#include <vector>

#include "trainer/eval/alignment.h"
#include "trainer/eval/bootstrap.h"
#include "trainer/eval/headline.h"
#include "trainer/eval/one_shot.h"
#include "trainer/eval/pairs.h"
#include "trainer/eval/query_gallery.h"
#include "trainer/eval/retrieval.h"
#include "trainer/eval/verification.h"
#include "trainer/eval/worst_pairs.h"

namespace lodestone::eval {

/// Options of each group of metrics.
struct MetricOptions {
  RetrievalOptions retrieval;
  PairOptions pairs;
  SpreadOptions spread;
  BootstrapOptions bootstrap;
  /// False accept rate whose threshold is asked for; unset: none.
  std::optional<double> far = {};
};

/// All metrics of one set of rows.
struct EvaluationResult {
  Subject subject = Subject::kClasses;
  Metrics metrics;
  std::vector<Interval> intervals;  ///< intervals of the metrics that have one, if resamples were asked for
  std::vector<RocPoint> roc;
  std::optional<RocPoint> operating_point;  ///< as in Verification, at MetricOptions::far
  DistanceHistogram distances;
  WorstPairs worst;
  std::vector<JudgedPair> graded;  ///< kGradedPairs: all of them
  Retrieval retrieval;
};

/// Evaluates rows of any kind: retrieval, verification over the pairs and (for kCosine) alignment.
/// Ranks     as below
EvaluationResult evaluate_rows(const Comparison& rows, std::span<const int64_t> groups_N,
                               std::span<const int64_t> labels_N, const MetricOptions& options = {},
                               const distributed::Group& group = distributed::single_group());

/// Evaluates a set of rows: retrieval, verification over its pairs, and (for kCosine) alignment, uniformity
/// and effective_rank. Model and baseline are evaluated by the same code, so their metrics are comparable.
/// `parts` selects queries and gallery of the retrieval metrics (null: leave-one-out); all other metrics are
/// over all pairs.
/// Ranks     collective, every rank with the same rows: queries, pairs and resamples are divided. Rank 0
///           gets the result, with the same bits for any number of ranks; that of other ranks is empty.
/// Cost      2·N²·D flops and one sort of the compared pairs; with resamples, see bootstrap.h
EvaluationResult evaluate_rows(const LabelledRows& rows, const MetricOptions& options = {},
                               const RetrievalParts* parts = nullptr,
                               const distributed::Group& group = distributed::single_group());

/// Adds the share of trials that are answered correctly as metric `name`, and with resamples its interval
/// over the trials.
/// Ranks     no communication: one rank computes it alone, since trials are few
void evaluate_trials(const char* name, const Comparison& rows, std::span<const OneShotTrial> trials,
                     const MetricOptions& options, EvaluationResult& result);

/// Evaluates pairs that people have graded: spearman, graded_pairs, the worst pairs, and with resamples the
/// interval over the pairs.
/// Ranks     as above
EvaluationResult evaluate_graded(std::vector<JudgedPair> pairs, const MetricOptions& options);

/// Evaluates pairs of `rows` that have a label, 1 or 0, by verification alone. The rows of one of
/// `groups_N` share a fold of the accuracy and are drawn together.
/// Ranks     collective; rank 0 gets the result, other ranks an empty one
EvaluationResult evaluate_labelled(ChosenPairs pairs, const Comparison& rows,
                                   std::span<const int64_t> groups_N, const MetricOptions& options,
                                   const distributed::Group& group = distributed::single_group());

}  // namespace lodestone::eval
