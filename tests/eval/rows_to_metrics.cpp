// Evaluates the rows of a file, for comparison with other implementations, and prints the metrics as JSON.
// usage: evaluate_embedded IN
//   IN   safetensors with z [N, D] float32, label [N] int64 and, each optional, query [N] int64 (1: query,
//        0: gallery), triplets [T, 3] int64 (anchor, positive, negative), graded [P, 2] int64 with grade [P]
//        float64
#include <iostream>

#include "common/safetensors.h"
#include "trainer/eval/evaluate_rows.h"

using namespace lodestone;
using namespace lodestone::eval;

namespace {

std::span<const int64_t> numbers(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<int64_t>(), static_cast<size_t>(tensor.numel())};
}

void add_triplets(const Comparison& rows, const at::Tensor& triplet_T3, EvaluationResult& found) {
  std::vector<OneShotTrial> trials;
  const auto all = numbers(triplet_T3);
  for (size_t t = 0; t < all.size(); t += 3) trials.push_back({all[t], {all[t + 1], all[t + 2]}, 0});
  evaluate_trials("triplet_accuracy", rows, trials, {}, found);
}

void add_graded(const Comparison& rows, const at::Tensor& pair_P2, const at::Tensor& grade_P,
                EvaluationResult& found) {
  std::vector<JudgedPair> pairs;
  const auto all = numbers(pair_P2);
  for (size_t p = 0; p < all.size(); p += 2)
    pairs.push_back(
        {{all[p], all[p + 1]}, rows.score(all[p], all[p + 1]), grade_P.const_data_ptr<double>()[p / 2]});
  found.metrics.merge(evaluate_graded(std::move(pairs), {}).metrics);
}

}  // namespace

int main(int, char** arguments) {
  const TensorMap in = read_safetensors(arguments[1]);
  const auto labels = numbers(in.at("label"));
  const LabelledRows rows{in.at("z"), {labels.begin(), labels.end()}};
  RetrievalParts parts;
  if (in.contains("query"))
    for (const int64_t asks : numbers(in.at("query"))) {
      parts.is_query_N.push_back(asks == 1);
      parts.is_gallery_N.push_back(asks == 0);
    }
  EvaluationResult found = evaluate_rows(rows, {}, in.contains("query") ? &parts : nullptr);
  const ComparableRows ready(rows.x_ND, Similarity::kCosine);
  const Comparison compared = compare_rows(ready, rows.groups_N);
  if (in.contains("triplets")) add_triplets(compared, in.at("triplets"), found);
  if (in.contains("graded")) add_graded(compared, in.at("graded"), in.at("grade"), found);
  std::cout << to_json(found.metrics) << std::endl;
}
