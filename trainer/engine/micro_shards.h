#pragma once

#include <string>
#include <vector>

#include "common/fields.h"
#include "distributed/ordered_sum.h"
#include "sampler/index_sampler.h"
#include "trainer/encoders/encoder.h"
#include "trainer/negatives/row_set.h"

namespace lodestone {

/// How far the bits of a run depend on where it runs.
struct DeterminismConfig {
  std::string kind = "world";
  int64_t micro_shards = 8;

  void visit(Fields& f);
  bool canonical() const { return kind == "canonical"; }
  /// The shard of a group's rank: of whole micro-shards if canonical.
  Shard shard(const Group& world) const;
};

/// Encodes a global batch in micro-shards: a fixed number of stretches of its rows, each owned whole by one rank. Each is encoded and
/// differentiated by itself, so every product has the same shape on any number of ranks, and what is summed over samples is summed
/// over micro-shards in one order (ordered_sum.h): embeddings, gradients and running statistics have the same bits on any world.
/// Batch norm   "local" takes its statistics from each micro-shard; running statistics are the mean over micro-shards of what each
///              would have made of them.
/// Ranks        every method is collective but backward and own.
/// Cost         activations of the rank's whole share, and gradients of its micro-shards, summed as far as their tree allows, in memory
/// Requires     the same number of threads in every run that is to have the same bits
class MicroShards {
 public:
  /// `encoder` is built and outlives the object. Throws ConfigError if there are more ranks than micro-shards.
  MicroShards(const Group& world, Encoder& encoder, int64_t count, std::string precision);

  /// z_bD of this rank's share of `global_rows`, detached. Throws Error if `share` isn't that of `Shard::pieces` = count.
  at::Tensor encode(const Features& x, const ForwardMode& mode, Range share, int64_t global_rows);
  /// The same share's rows from another encoder, not training: those of all ranks, in order.
  at::Tensor encode_all(Encoder& encoder, const Features& x);
  /// From dL/dz of this rank's rows, the gradients of its micro-shards; no communication.
  void backward(const at::Tensor& gradient_bD);
  /// Leaves the sum over all micro-shards in the parameters' gradients.
  void reduce();

  /// All ranks' rows, in order.
  LocalRows gathered(const LocalRows& mine) const;
  /// This rank's of all rows.
  at::Tensor own(const at::Tensor& all_BD) const { return all_BD.narrow(0, share_.begin, share_.size()); }

 private:
  Range rows_of(int64_t part) const;
  Features features_of(int64_t part) const;
  at::Tensor flat_gradient();

  Group world_;
  Encoder& encoder_;
  std::string precision_;
  OrderedSum sum_;
  std::vector<at::Tensor> learned_;
  std::vector<bool> used_;  ///< by parameter: has any micro-shard of this step a gradient for it?
  Features x_;
  Range share_;
  int64_t global_rows_ = 0;
  std::vector<at::Tensor> z_kD_;  ///< by own micro-shard, with their graphs
};

}  // namespace lodestone
