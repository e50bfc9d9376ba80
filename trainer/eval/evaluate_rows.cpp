#include "trainer/eval/evaluate_rows.h"

#include "trainer/eval/spearman.h"

namespace lodestone::eval {

namespace {

// An interval of an undefined metric says nothing.
void drop_undefined(EvaluationResult& result) {
  std::erase_if(result.intervals,
                [&](const Interval& interval) { return !result.metrics.find(interval.name); });
}

void add_verification(const ScoredPairs& scored, std::span<const int64_t> groups_N,
                      const MetricOptions& options, EvaluationResult& result) {
  Verification verification = verify_pairs(scored, groups_N, options.pairs.seed, options.far);
  result.metrics.merge(verification.metrics);
  result.roc = std::move(verification.roc);
  result.operating_point = verification.operating_point;
  result.distances = distance_histogram(scored);
  result.worst = worst_pairs(scored, result.roc);
}

EvaluationResult evaluate_retrieved(Retrieval found, const Comparison& rows,
                                    std::span<const int64_t> groups_N, std::span<const int64_t> labels_N,
                                    const MetricOptions& options, const distributed::Group& group) {
  EvaluationResult result;
  const ScoredPairs scored = score_pairs(choose_pairs(labels_N, groups_N, options.pairs), rows, group);
  if (options.bootstrap.resamples > 0) {
    const Bootstrap bootstrap(groups_N, options.bootstrap);
    result.intervals = bootstrap_retrieval(found, bootstrap, group);
    for (Interval& interval : bootstrap_pairs(scored, bootstrap, group))
      result.intervals.push_back(std::move(interval));
  }
  if (group.rank() != 0) return {};
  result.metrics = found.metrics();
  add_verification(scored, groups_N, options, result);
  if (rows.similarity == Similarity::kCosine) result.metrics.set("alignment", alignment(scored));
  result.retrieval = std::move(found);
  drop_undefined(result);
  return result;
}

}  // namespace

EvaluationResult evaluate_rows(const Comparison& rows, std::span<const int64_t> groups_N,
                               std::span<const int64_t> labels_N, const MetricOptions& options,
                               const distributed::Group& group) {
  return evaluate_retrieved(retrieve_leave_one_out(rows, groups_N, options.retrieval, group), rows, groups_N,
                            labels_N, options, group);
}

EvaluationResult evaluate_rows(const LabelledRows& rows, const MetricOptions& options,
                               const RetrievalParts* parts, const distributed::Group& group) {
  check_labelled(rows);
  const ComparableRows ready(rows.x_ND, options.retrieval.similarity);
  const Comparison compared = compare_rows(ready, rows.groups_N);
  Retrieval retrieval = parts == nullptr
                            ? retrieve_leave_one_out(compared, rows.groups_N, options.retrieval, group)
                            : retrieve(rows, *parts, options.retrieval, group);
  EvaluationResult found =
      evaluate_retrieved(std::move(retrieval), compared, rows.groups_N, rows.labels(), options, group);
  if (options.retrieval.similarity == Similarity::kCosine && group.rank() == 0) {
    found.metrics.set("uniformity", uniformity(rows.x_ND, options.spread));
    found.metrics.set("effective_rank", effective_rank(rows.x_ND, options.spread));
  }
  return found;
}

void evaluate_trials(const char* name, const Comparison& rows, std::span<const OneShotTrial> trials,
                     const MetricOptions& options, EvaluationResult& result) {
  const std::vector<double> answers = one_shot_answers(rows, trials);
  result.metrics.set(name, share_right(answers));
  if (options.bootstrap.resamples > 0)
    result.intervals.push_back(bootstrap_mean(name, answers, options.bootstrap));
}

EvaluationResult evaluate_graded(std::vector<JudgedPair> pairs, const MetricOptions& options) {
  std::vector<double> similarity_P, grade_P;
  for (const JudgedPair& pair : pairs) {
    similarity_P.push_back(pair.score);
    grade_P.push_back(pair.grade.value_or(0));
  }
  EvaluationResult result;
  result.subject = Subject::kGradedPairs;
  result.metrics.set("spearman", spearman(similarity_P, grade_P));
  result.metrics.set("graded_pairs", static_cast<double>(pairs.size()));
  if (options.bootstrap.resamples > 0)
    result.intervals.push_back(bootstrap_spearman(similarity_P, grade_P, options.bootstrap));
  result.worst = worst_graded_pairs(pairs);
  result.graded = std::move(pairs);
  return result;
}

EvaluationResult evaluate_labelled(ChosenPairs pairs, const Comparison& rows,
                                   std::span<const int64_t> groups_N, const MetricOptions& options,
                                   const distributed::Group& group) {
  const ScoredPairs scored = score_pairs(std::move(pairs), rows, group);
  EvaluationResult result;
  result.subject = Subject::kLabelledPairs;
  if (options.bootstrap.resamples > 0)
    result.intervals = bootstrap_pairs(scored, Bootstrap(groups_N, options.bootstrap), group);
  if (group.rank() != 0) return {};
  add_verification(scored, groups_N, options, result);
  drop_undefined(result);
  return result;
}

}  // namespace lodestone::eval
