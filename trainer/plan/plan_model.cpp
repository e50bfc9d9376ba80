#include "trainer/plan/plan_model.h"

#include <algorithm>
#include <cmath>

namespace lodestone::plan {

namespace {

constexpr double kBucketBytes = 25.0 * 1024 * 1024;
constexpr double kTileBytes = 64.0 * 1024 * 1024;
constexpr double kFull = 0.9;  // fraction of the memory

bool is_gradient(const VerbCost& verb) {
  return verb.name == std::string("gradient_sync");
}

double log2_of(int64_t ranks) {
  return std::ceil(std::log2(static_cast<double>(std::max<int64_t>(ranks, 1))));
}

}  // namespace

ByRows ByRows::through(double rows_a, double value_a, double rows_b, double value_b) {
  const double slope = std::max(0.0, (value_b - value_a) / (rows_b - rows_a));
  return {std::max(0.0, value_a - slope * rows_a), slope};
}

double VerbCost::sent_bytes(int64_t ranks, double share, double global) const {
  if (ranks == 1) return 0;
  const auto world = static_cast<double>(ranks);
  const double bytes = payload.at(of_share ? share : global);
  if (shape == Shape::kReduce) return 2 * (world - 1) / world * bytes;
  return shape == Shape::kGather ? (world - 1) * bytes : bytes;
}

Prediction predict(const StepCost& cost, const Machine& machine, int64_t ranks, int64_t nodes,
                   double global_batch) {
  Prediction p;
  p.ranks = ranks;
  p.nodes = nodes;
  p.global_batch = global_batch;
  p.share = std::ceil(global_batch / static_cast<double>(ranks));
  const double at_once =
      cost.micro_batch > 0 ? std::min<double>(p.share, static_cast<double>(cost.micro_batch)) : p.share;
  const double references = global_batch + cost.references;
  p.base_bytes = machine.base_bytes;
  p.kept_bytes =
      cost.weight_bytes + cost.moment_bytes + cost.average_bytes + cost.gradient_bytes * (ranks > 1 ? 2 : 1);
  p.activation_bytes = cost.working_bytes.at(at_once);
  p.loss_bytes = 4 * (p.share + references) * static_cast<double>(cost.width) * 4 + kTileBytes;

  p.compute =
      (1 + cost.extra_forward) * machine.encode_seconds.at(p.share) + machine.backward_seconds.at(p.share);
  // If all rows are on one rank a pair serves both its ends: two products instead of three.
  p.loss = machine.pair_seconds * p.share * references * (ranks > 1 ? 1 : 2.0 / 3);
  p.update = machine.update_seconds;
  const double bandwidth =
      nodes > 1 ? std::min(machine.inner_bandwidth, machine.link_bandwidth) : machine.inner_bandwidth;
  // First within nodes, then between them.
  const double hops =
      log2_of((ranks + nodes - 1) / nodes) * machine.inner_latency + log2_of(nodes) * machine.link_latency;
  for (const auto& verb : cost.verbs) {
    const double sent = verb.sent_bytes(ranks, p.share, global_batch);
    p.sent_bytes += sent;
    if (ranks == 1) continue;
    const double latency = (verb.shape == VerbCost::Shape::kReduce ? 2 : 1) * hops;
    if (!is_gradient(verb)) {
      p.exchange += verb.calls * latency + sent / bandwidth;
      continue;
    }
    const double buckets = std::max(1.0, std::ceil(verb.payload.fixed / kBucketBytes));
    p.reduce = buckets * latency + sent / bandwidth;
    p.exposed = std::max(p.reduce / buckets, p.reduce - machine.backward_seconds.at(p.share));
  }
  return p;
}

int64_t largest_batch(const StepCost& cost, const Machine& machine, int64_t ranks, int64_t nodes) {
  int64_t low = 0, high = int64_t{1} << 40;  // rows of a rank
  while (low < high) {
    const int64_t share = low + (high - low + 1) / 2;
    const bool fits =
        predict(cost, machine, ranks, nodes, static_cast<double>(share) * static_cast<double>(ranks))
            .memory_bytes() <= kFull * machine.memory_bytes;
    if (fits)
      low = share;
    else
      high = share - 1;
  }
  return low * ranks;
}

std::vector<Prediction> predict_doubling(const StepCost& cost, const Machine& machine, int64_t per_node,
                                         double batch, bool grows) {
  std::vector<Prediction> all;
  for (int64_t ranks = 1; ranks <= kMostRanks && (grows || static_cast<double>(ranks) <= batch); ranks *= 2)
    all.push_back(predict(cost, machine, ranks, (ranks + per_node - 1) / per_node,
                          grows ? batch * static_cast<double>(ranks) : batch));
  return all;
}

int64_t last_that_pays(const std::vector<Prediction>& doubling) {
  for (size_t i = 0; i + 1 < doubling.size(); ++i)
    if (doubling[i + 1].samples_per_second() < 1.5 * doubling[i].samples_per_second())
      return doubling[i].ranks;
  return doubling.empty() ? 0 : doubling.back().ranks;
}

}  // namespace lodestone::plan
