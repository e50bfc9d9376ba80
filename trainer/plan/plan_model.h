#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace lodestone::plan {

/// A quantity that is linear in the number of rows: fixed + per_row · rows.
struct ByRows {
  double fixed = 0, per_row = 0;

  double at(double rows) const { return fixed + per_row * rows; }
  /// The line through two measured points. A negative slope, or a negative value at 0 rows, is set to 0.
  static ByRows through(double rows_a, double value_a, double rows_b, double value_b);
};

/// The traffic of one collective in a step of W ranks: a rank sends `payload` · scale(W) bytes.
struct VerbCost {
  enum class Shape { kReduce, kGather, kOnce };  ///< scale: kReduce 2 (W-1)/W; kGather W-1; kOnce 1

  const char* name = "";
  Shape shape = Shape::kOnce;
  bool of_share = false;  ///< whether `payload` depends on the rows of a rank instead of the global batch
  ByRows payload;         ///< bytes
  double calls = 0;

  double sent_bytes(int64_t ranks, double share, double global) const;
};

/// The cost of a step as measured on small batches: what it computes, stores and sends, independent of the
/// machine.
struct StepCost {
  int64_t parameters = 0, width = 0;
  double weight_bytes = 0, gradient_bytes = 0, moment_bytes = 0, average_bytes = 0;
  ByRows working_bytes;      ///< peak memory of a step above what is kept, by the rows encoded at once
  double flops_per_row = 0;  ///< operations of one forward pass of the encoder
  double extra_forward = 0;  ///< forward passes that micro-batches or recomputation add
  int64_t micro_batch = 0;
  double references = 0;        ///< reference rows besides those of the batch: memory, proxies
  std::vector<VerbCost> verbs;  ///< the collectives, gradient_sync among them
};

/// The hardware of a rank and the links between ranks.
struct Machine {
  std::string name;
  double memory_bytes = 0, base_bytes = 0;
  /// By rows.
  ByRows encode_seconds, backward_seconds;
  double update_seconds = 0;
  /// Time of the loss for one pair of a row and a reference row.
  double pair_seconds = 0;
  /// Between ranks of a node: bytes per second in each direction, and seconds.
  double inner_bandwidth = 0, inner_latency = 0;
  /// Of the link between a node and other nodes, likewise, with all adapters of the node.
  double link_bandwidth = 0, link_latency = 0;
};

/// Predicted memory, traffic and time of a step.
struct Prediction {
  int64_t ranks = 1, nodes = 1;
  double global_batch = 0, share = 0;
  /// Bytes of a rank.
  double kept_bytes = 0, activation_bytes = 0, loss_bytes = 0, base_bytes = 0;
  double memory_bytes() const { return kept_bytes + activation_bytes + loss_bytes + base_bytes; }
  double sent_bytes = 0;
  /// Seconds of a step.
  double compute = 0, loss = 0, exchange = 0, reduce = 0, exposed = 0, update = 0;
  double step() const { return compute + loss + exchange + exposed + update; }
  double samples_per_second() const { return global_batch / step(); }
};

/// Predicts a step with the α–β model. Reductions and gathers take 2 log2 W and log2 W latencies per call,
/// within nodes and then between them, plus the bytes that a rank sends over the slowest link they cross:
/// that within the node, or that between nodes, which a ring through all ranks crosses once per node in each
/// direction, so that its ranks need not share it. The gradient's reduction overlaps with the backward pass
/// except for its last bucket.
Prediction predict(const StepCost& cost, const Machine& machine, int64_t ranks, int64_t nodes,
                   double global_batch);

/// The largest global batch that leaves a tenth of the memory free; 0 if there is none.
int64_t largest_batch(const StepCost& cost, const Machine& machine, int64_t ranks, int64_t nodes);

/// The most ranks that are predicted.
inline constexpr int64_t kMostRanks = 4096;

/// Predictions for 1, 2, 4 … ranks, `per_node` of them on each node: with the same global batch, or, if it
/// grows, with `batch` rows a rank.
std::vector<Prediction> predict_doubling(const StepCost& cost, const Machine& machine, int64_t per_node,
                                         double batch, bool grows);

/// Of predictions whose rank counts double, the last rank count before a doubling that gives less than 1.5
/// times the samples per second.
int64_t last_that_pays(const std::vector<Prediction>& doubling);

}  // namespace lodestone::plan
