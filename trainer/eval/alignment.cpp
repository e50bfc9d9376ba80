#include "trainer/eval/alignment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/tensor.h>

#include "common/rng.h"
#include "trainer/eval/rows.h"

namespace lodestone::eval {

namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kTile = 256;

// Unit rows in float64: all, or a seeded sample in order of row.
at::Tensor sampled_unit_rows(const at::Tensor& x_ND, const SpreadOptions& options) {
  const ComparableRows rows(x_ND, Similarity::kCosine);
  at::Tensor x_SD = rows.tensor();
  if (rows.size() > options.max_rows) {
    std::vector<int64_t> chosen = Random(options.seed, Purpose::kTrials, 5).permutation(rows.size());
    chosen.resize(static_cast<size_t>(std::max<int64_t>(options.max_rows, 0)));
    std::sort(chosen.begin(), chosen.end());
    x_SD = x_SD.index_select(0, at::tensor(chosen));
  }
  return x_SD.to(at::kDouble);
}

}  // namespace

double alignment(const ScoredPairs& scored) {
  if (scored.positive_scores.empty()) return kUndefined;
  double sum = 0;
  for (double score : scored.positive_scores) sum += 2 - 2 * score;
  return std::max(0.0, sum / static_cast<double>(scored.positive_scores.size()));
}

double uniformity(const at::Tensor& x_ND, const SpreadOptions& options) {
  const at::Tensor x_SD = sampled_unit_rows(x_ND, options);
  const int64_t rows = x_SD.size(0);
  if (rows < 2) return kUndefined;
  const at::Tensor norm_S = x_SD.square().sum(1);
  double sum = 0;
  for (int64_t first = 0; first < rows; first += kTile) {
    const int64_t count = std::min(kTile, rows - first);
    const at::Tensor dot_TS = at::mm(x_SD.narrow(0, first, count), x_SD.t());
    const at::Tensor distance_TS =
        norm_S.narrow(0, first, count).unsqueeze(1).add(norm_S).sub(dot_TS, 2).clamp_min(0);
    sum += distance_TS.mul(-2).exp().sum().item<double>();
  }
  // Subtracts the pairs of a row with itself, at distance 0.
  const double count = static_cast<double>(rows);
  return std::log((sum - count) / (count * (count - 1)));
}

double effective_rank(const at::Tensor& x_ND, const SpreadOptions& options) {
  const at::Tensor x_SD = sampled_unit_rows(x_ND, options);
  if (x_SD.size(0) == 0) return kUndefined;
  const at::Tensor sigma_K = at::linalg_svdvals(x_SD).contiguous();
  const double total = sigma_K.sum().item<double>();
  if (!(total > 0)) return kUndefined;
  double entropy = 0;
  for (int64_t k = 0; k < sigma_K.size(0); ++k) {
    const double share = sigma_K.const_data_ptr<double>()[k] / total;
    if (share > 0) entropy -= share * std::log(share);
  }
  return std::exp(entropy);
}

}  // namespace lodestone::eval
