#pragma once

#include <string>
#include <vector>

#include "common/fields.h"
#include "distributed/reductions/ordered_sum.h"
#include "sampler/samplers/index_sampler.h"
#include "trainer/engine/encoder_pass.h"

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
/// Cost         activations of the rank's whole share, and gradients of its micro-shards, summed as far as their tree allows, in memory
/// Requires     the same number of threads in every run that is to have the same bits
class CanonicalPass : public EncoderPass {
 public:
  /// `encoder` is built and outlives the object. Throws ConfigError if there are more ranks than micro-shards.
  CanonicalPass(const Group& world, Encoder& encoder, int64_t count, std::string precision);

  /// Throws Error if `share` isn't that of `Shard::pieces` = count.
  at::Tensor encode(const Features& x, const ForwardMode& mode, Range share, int64_t global_rows) override;
  /// The gradients of this rank's micro-shards; no communication.
  void backward(const at::Tensor& gradient_bD) override;
  void reduce() override;
  /// Every rank forms the whole loss from all embeddings.
  Group loss_world() const override { return single_group(); }
  LossRows rows_for_loss(const LocalRows& own, Range share, int64_t global_rows) const override;
  at::Tensor own_part(const at::Tensor& gradient_nD, Range share) const override {
    return gradient_nD.narrow(0, share.begin, share.size());
  }
  at::Tensor encode_keys(Encoder& slow, const Features& x, Range share, int64_t global_rows) override;
  bool statistics_are_per_rank() const override { return false; }

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
