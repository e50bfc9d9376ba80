#pragma once

#include <string>
#include <vector>

#include "common/fields.h"
#include "distributed/reductions/ordered_sum.h"
#include "sampler/samplers/index_sampler.h"
#include "trainer/engine/encoder_pass.h"

namespace lodestone::engine {

/// Whether the bits of a run depend on the number of ranks.
enum class Determinism {
  kWorld,      ///< they do
  kCanonical,  ///< they do not
};

struct DeterminismConfig {
  Determinism kind = Determinism::kWorld;
  int64_t micro_shards = 8;

  void visit(Fields& f);
  bool canonical() const { return kind == Determinism::kCanonical; }
  /// The shard of this rank; in canonical mode it consists of whole micro-shards.
  sampler::Shard shard(const distributed::Group& world) const;
};

/// Encodes a global batch in micro-shards: a fixed number of ranges of its rows, each owned whole by one
/// rank. Each micro-shard is encoded and differentiated by itself, so every product has the same shape on any
/// number of ranks, and sums over samples are sums over micro-shards in one fixed order (ordered_sum.h).
/// Embeddings, gradients and running statistics therefore have the same bits in any world. With batch norm
/// "local" the statistics are those of each micro-shard, and the running statistics become the mean of what
/// each micro-shard alone would have made of them.
/// Ranks     as in EncoderPass, but backward is not collective
/// Cost      memory of the activations of the rank's whole share, and of the gradients of its micro-shards,
///           summed as far as the summation tree allows
/// Requires  the same number of threads in every run that is to have the same bits
class CanonicalPass : public EncoderPass {
 public:
  /// `encoder` must be built and outlive the object. Throws ConfigError if there are more ranks than
  /// micro-shards.
  CanonicalPass(const distributed::Group& world, encoders::Encoder& encoder, int64_t count,
                Precision precision);

  /// Throws Error if `share` isn't that of `Shard::pieces` = count.
  at::Tensor encode(const Features& x, const encoders::ForwardMode& mode, sampler::Range share,
                    int64_t global_rows) override;
  /// Computes the gradients of this rank's micro-shards, without communication.
  void backward(const at::Tensor& gradient_bD) override;
  void reduce() override;
  /// A group of one: every rank computes the whole loss from all embeddings.
  distributed::Group loss_world() const override { return distributed::single_group(); }
  LossRows rows_for_loss(const negatives::LocalRows& own, sampler::Range share,
                         int64_t global_rows) const override;
  at::Tensor own_part(const at::Tensor& gradient_nD, sampler::Range share) const override {
    return gradient_nD.narrow(0, share.begin, share.size());
  }
  at::Tensor encode_keys(encoders::Encoder& momentum_encoder, const Features& x, sampler::Range share,
                         int64_t global_rows) override;
  bool statistics_are_per_rank() const override { return false; }

 private:
  sampler::Range rows_of(int64_t part) const;
  Features features_of(int64_t part) const;
  at::Tensor flat_gradient();

  distributed::Group world_;
  encoders::Encoder& encoder_;
  Precision precision_;
  distributed::OrderedSum sum_;
  std::vector<at::Tensor> learned_;
  std::vector<bool> used_;  ///< by parameter: does any micro-shard of this step have a gradient for it?
  Features x_;
  sampler::Range share_;
  int64_t global_rows_ = 0;
  std::vector<at::Tensor> z_kD_;  ///< one per micro-shard of this rank, with graphs
};

}  // namespace lodestone::engine
