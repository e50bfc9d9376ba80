#include "trainer/eval/judge.h"

namespace lodestone {

Judgement judge(const Comparison& rows, std::span<const int64_t> groups_N, std::span<const int64_t> labels_N,
                const JudgeOptions& options) {
  Judgement found;
  found.measures = retrieve_leave_one_out(rows, groups_N, options.retrieval.knn).measures();
  const ScoredPairs scored = score_pairs(choose_pairs(labels_N, groups_N, options.pairs), rows);
  Verification verification = verify_pairs(scored, groups_N, options.pairs.seed);
  found.measures.merge(verification.measures);
  found.roc = std::move(verification.roc);
  found.distances = distance_histogram(scored);
  if (rows.likeness == Likeness::kCosine) found.measures.set("alignment", alignment(scored));
  return found;
}

Judgement judge(const LabelledRows& rows, const JudgeOptions& options) {
  check_labelled(rows);
  const ComparableRows ready(rows.x_ND, options.retrieval.likeness);
  Judgement found = judge(compare_rows(ready, rows.groups_N), rows.groups_N, rows.labels(), options);
  if (options.retrieval.likeness == Likeness::kCosine) {
    found.measures.set("uniformity", uniformity(rows.x_ND, options.spread));
    found.measures.set("effective_rank", effective_rank(rows.x_ND, options.spread));
  }
  return found;
}

}  // namespace lodestone
