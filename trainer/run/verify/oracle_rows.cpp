#include "trainer/run/verify/oracle_rows.h"

#include <algorithm>
#include <numeric>

namespace lodestone::run {

namespace {

// Tensors of one size in memory at the peak, measured: the graph of a loss, and what its backward pass adds.
constexpr double kPairTensors = 10, kTripletTensors = 10, kNumber = 8;

bool all_triplets(const RunConfig& config, const negatives::Objective& objective) {
  return objective.loss.as_triplets() != nullptr && objective.miner.as_triplets() == nullptr &&
         config.data.tuples.empty();
}

struct Size {
  double bytes;
  const char* reason;
};

Size size_of(const RunConfig& config, const negatives::Objective& objective, int64_t classes, int64_t batches,
             double rows) {
  const auto width = static_cast<double>(config.encoder->output_dim());
  double references = rows;
  if (objective.loss.uses_proxies())
    references = config.training.loss_head.proxies.sample_rate * static_cast<double>(classes) + rows;
  else if (config.training.loss_head.memory.on())
    references += rows * static_cast<double>(batches);
  const double pairs = kPairTensors * kNumber * rows * references * width;
  const double triplets =
      all_triplets(config, objective) ? kTripletTensors * kNumber * rows * references * references : 0;
  if (triplets > pairs) return {triplets, "its oracle forms every triplet"};
  return {pairs, objective.loss.uses_proxies() ? "its oracle compares every row with every class"
                                               : "its oracle compares every pair by difference"};
}

// Rows that the sampler deals out together; two towers take rows in pairs.
int64_t unit_of(const RunConfig& config) {
  return config.data.tuples.empty() ? std::lcm<int64_t>(config.sampler->unit(), 2) : 2;
}

}  // namespace

OracleRows oracle_rows(const RunConfig& config, const negatives::Objective& objective, int64_t classes,
                       int64_t batches, int world) {
  const auto size = [&](int64_t rows) {
    return size_of(config, objective, classes, batches, static_cast<double>(rows));
  };
  const Size whole = size(config.global_batch);
  if (whole.bytes <= kOracleBytes) return {config.global_batch, ""};
  const int64_t unit = unit_of(config);
  const engine::DeterminismConfig& determinism = config.training.determinism;
  const int64_t ranks = std::max<int64_t>(world, determinism.canonical() ? determinism.micro_shards : 1);
  const int64_t least = std::max(2 * unit, (ranks + unit - 1) / unit * unit);
  int64_t rows = config.global_batch / unit * unit;
  while (rows > least && size(rows).bytes > kOracleBytes) rows -= unit;
  if (rows >= config.global_batch) return {config.global_batch, ""};
  return {rows, whole.reason};
}

}  // namespace lodestone::run
