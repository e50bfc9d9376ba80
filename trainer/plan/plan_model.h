#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace lodestone {

/// fixed + per_row · rows
struct ByRows {
  double fixed = 0, per_row = 0;

  double at(double rows) const { return fixed + per_row * rows; }
  /// Through two measured points; what falls with more rows, or is below 0 without any, is cut off at 0.
  static ByRows through(double rows_a, double value_a, double rows_b, double value_b);
};

/// What one verb carries in a step of W ranks. At W ranks a rank sends `payload` · scale(W) bytes.
struct VerbCost {
  enum class Shape { kReduce, kGather, kOnce };  ///< 2 (W-1)/W of it; (W-1) times it; as it is

  const char* name = "";
  Shape shape = Shape::kOnce;
  bool of_share = false;  ///< rows are those of a rank, not of the global batch
  ByRows payload;         ///< bytes
  double calls = 0;

  double sent_bytes(int64_t ranks, double share, double global) const;
};

/// A step as measured on small batches: what it computes, keeps and sends. Everything that does not depend on the machine.
struct StepCost {
  int64_t parameters = 0, width = 0;
  double weight_bytes = 0, gradient_bytes = 0, moment_bytes = 0, average_bytes = 0;
  ByRows working_bytes;      ///< peak of a step above what is kept, by rows that are encoded at once
  double flops_per_row = 0;  ///< one forward pass of the encoder
  double extra_forward =
      0;  ///< passes that micro-batches or recomputing add to one forward and one backward of two
  int64_t micro_batch = 0;
  double refs = 0;              ///< rows that a batch meets besides itself: memory, proxies
  std::vector<VerbCost> verbs;  ///< gradient_sync among them
};

/// What a rank runs on and what lies between ranks.
struct Machine {
  std::string name;
  double memory_bytes = 0, base_bytes = 0;
  ByRows encode_seconds, backward_seconds;  ///< by rows
  double update_seconds = 0;
  double pair_seconds = 0;  ///< of the loss, for a row that meets one ref
  double inner_bandwidth = 0,
         inner_latency = 0;  ///< between ranks of a node: bytes per second each way, seconds
  double link_bandwidth = 0, link_latency = 0;  ///< of a node
};

struct GpuFigures {
  const char* name;
  double flops, loss_flops;  ///< dense bfloat16 with tensor cores; float32 (TF32) products of the loss
  double memory_bytes, memory_bandwidth, inner_bandwidth;
};
/// Makers' figures: h100, h200, a100, l40s.
const std::vector<GpuFigures>& gpu_table();
/// A GPU that reaches `efficiency` of its peak, in float32 half of what it does in bfloat16. Throws ConfigError naming those known.
Machine machine_of(const std::string& gpu, const StepCost& cost, bool half_precision, double efficiency);

struct Prediction {
  int64_t ranks = 1, nodes = 1;
  double global_batch = 0, share = 0;
  // bytes of a rank
  double kept_bytes = 0, activation_bytes = 0, loss_bytes = 0, base_bytes = 0;
  double memory_bytes() const { return kept_bytes + activation_bytes + loss_bytes + base_bytes; }
  double sent_bytes = 0;
  // seconds of a step
  double compute = 0, loss = 0, exchange = 0, reduce = 0, exposed = 0, update = 0;
  double step() const { return compute + loss + exchange + exposed + update; }
  double samples_per_second() const { return global_batch / step(); }
};

/// α–β model. Reductions and gathers take 2 log2 W and log2 W latencies a call (within nodes, then between them) and the bytes that a rank sends over the thinnest
/// link they cross; the gradient's reduction hides behind the backward pass but for its last bucket.
Prediction predict(const StepCost& cost, const Machine& machine, int64_t ranks, int64_t nodes,
                   double global_batch);

/// The largest global batch that leaves a tenth of the memory free; 0 if none does.
int64_t largest_batch(const StepCost& cost, const Machine& machine, int64_t ranks, int64_t nodes);

/// Of predictions that double in ranks, the last rank count whose doubling still gave 1.5 times the samples per second.
int64_t last_that_pays(const std::vector<Prediction>& doubling);

}  // namespace lodestone
