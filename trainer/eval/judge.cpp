#include "trainer/eval/judge.h"

namespace lodestone {

Judgement judge(const LabelledRows& rows, const JudgeOptions& options) {
  Judgement found;
  found.measures = retrieve_leave_one_out(rows, options.retrieval).measures();
  const ScoredPairs scored = score_pairs(rows, options.retrieval.likeness, options.pairs);
  Verification verification = verify_pairs(scored, rows.groups_N, options.pairs.seed);
  found.measures.merge(verification.measures);
  found.roc = std::move(verification.roc);
  found.distances = distance_histogram(scored);
  if (options.retrieval.likeness == Likeness::kCosine) {
    found.measures.set("alignment", alignment(scored));
    found.measures.set("uniformity", uniformity(rows.x_ND, options.spread));
    found.measures.set("effective_rank", effective_rank(rows.x_ND, options.spread));
  }
  return found;
}

}  // namespace lodestone
