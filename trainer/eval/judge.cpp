#include "trainer/eval/judge.h"

#include "trainer/eval/spearman.h"

namespace lodestone {

namespace {

Judgement judge_found(Retrieval found, const Comparison& rows, std::span<const int64_t> groups_N,
                      std::span<const int64_t> labels_N, const JudgeOptions& options, const Group& group) {
  Judgement result;
  const ScoredPairs scored = score_pairs(choose_pairs(labels_N, groups_N, options.pairs), rows, group);
  if (options.bootstrap.resamples > 0) {
    const Bootstrap bootstrap(groups_N, options.bootstrap);
    result.intervals = bootstrap_retrieval(found, bootstrap, group);
    for (Interval& interval : bootstrap_pairs(scored, bootstrap, group))
      result.intervals.push_back(std::move(interval));
  }
  if (group.rank() != 0) return {};
  result.measures = found.measures();
  Verification verification = verify_pairs(scored, groups_N, options.pairs.seed);
  result.measures.merge(verification.measures);
  result.roc = std::move(verification.roc);
  result.distances = distance_histogram(scored);
  if (rows.likeness == Likeness::kCosine) result.measures.set("alignment", alignment(scored));
  result.retrieval = std::move(found);
  return result;
}

}  // namespace

Judgement judge(const Comparison& rows, std::span<const int64_t> groups_N, std::span<const int64_t> labels_N,
                const JudgeOptions& options, const Group& group) {
  return judge_found(retrieve_leave_one_out(rows, groups_N, options.retrieval, group), rows, groups_N,
                     labels_N, options, group);
}

Judgement judge(const LabelledRows& rows, const JudgeOptions& options, const RetrievalParts* parts,
                const Group& group) {
  check_labelled(rows);
  const ComparableRows ready(rows.x_ND, options.retrieval.likeness);
  const Comparison compared = compare_rows(ready, rows.groups_N);
  Retrieval retrieval = parts == nullptr
                            ? retrieve_leave_one_out(compared, rows.groups_N, options.retrieval, group)
                            : retrieve(rows, *parts, options.retrieval, group);
  Judgement found = judge_found(std::move(retrieval), compared, rows.groups_N, rows.labels(), options, group);
  if (options.retrieval.likeness == Likeness::kCosine && group.rank() == 0) {
    found.measures.set("uniformity", uniformity(rows.x_ND, options.spread));
    found.measures.set("effective_rank", effective_rank(rows.x_ND, options.spread));
  }
  return found;
}

void judge_trials(const char* name, const Comparison& rows, std::span<const OneShotTrial> trials,
                  const JudgeOptions& options, Judgement& result) {
  const std::vector<double> answers = one_shot_answers(rows, trials);
  result.measures.set(name, share_right(answers));
  if (options.bootstrap.resamples > 0)
    result.intervals.push_back(bootstrap_mean(name, answers, options.bootstrap));
}

void judge_graded(std::span<const double> likeness_P, std::span<const double> grade_P,
                  const JudgeOptions& options, Judgement& result) {
  result.measures.set("spearman", spearman(likeness_P, grade_P));
  result.measures.set("graded_pairs", static_cast<double>(likeness_P.size()));
  if (options.bootstrap.resamples > 0)
    result.intervals.push_back(bootstrap_spearman(likeness_P, grade_P, options.bootstrap));
}

}  // namespace lodestone
