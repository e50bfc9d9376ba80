#pragma once

#include <memory>
#include <string>

#include "distributed/group.h"
#include "sampler/samplers/index_sampler.h"
#include "trainer/encoders/encoder.h"
#include "trainer/engine/precision.h"
#include "trainer/negatives/tiles/row_set.h"

namespace lodestone::engine {

/// Takes the rows of a step through the encoder and their gradient back: all at once or in micro-batches
/// (DirectPass), or in micro-shards whose sums do not depend on the number of ranks (CanonicalPass). The
/// trainer and verify-gradients use the same object.
///
///     const auto pass = make_encoder_pass(world, encoder, {});
///     const at::Tensor z_bD = pass->encode(x, mode, batch.share, batch.global_rows);
///     const auto rows = pass->rows_for_loss({z_bD, label_b, group_b, id_b}, batch.share, batch.global_rows);
///     const negatives::StepLoss loss =
///         negatives::global_batch_loss(pass->loss_world(), rows.rows, objective);
///     pass->backward(pass->own_part(loss.gradient_bD, batch.share));
///     pass->reduce();  // the parameters' gradients are now those of the global batch
///
/// Shapes    b rows of this rank, B of all; b may be 0; gradient_bD has the shape of z_bD
/// Ranks     encode, rows_for_loss, encode_keys and reduce are collective, and so is backward of DirectPass
/// Gradient  backward and reduce replace the gradients of all learned parameters by the sum over the rows of
///           all ranks. A parameter that no row reaches has none.
/// Cost      DirectPass: one forward and one backward pass, and one all-reduce of the gradients; with
///           micro_batch one forward pass more and activations of that many rows. CanonicalPass: the passes
///           of each micro-shard by itself, an all-gather of the embeddings, the whole loss on every rank.
/// Requires  encode, then backward, then reduce, once for each step
/// Throws    CommError if a peer is lost; what Encoder::forward throws
/// Threads   one caller
class EncoderPass {
 public:
  virtual ~EncoderPass() = default;

  /// z_bD of this rank's rows, detached, at least float32. `share` is their range in the global batch.
  virtual at::Tensor encode(const Features& x, const encoders::ForwardMode& mode, sampler::Range share,
                            int64_t global_rows) = 0;
  /// Takes dL/dz of the rows that were encoded last. Replaces the parameters' gradients by this rank's part.
  virtual void backward(const at::Tensor& gradient_bD) = 0;
  /// Replaces the parameters' gradients by their sum over ranks.
  virtual void reduce() = 0;

  /// The group that computes the loss together: all ranks, or this rank alone with the rows of all.
  virtual distributed::Group loss_world() const = 0;
  /// The rows that this rank passes to the loss, and their range in the global batch.
  struct LossRows {
    negatives::LocalRows rows;
    sampler::Range share;
  };
  virtual LossRows rows_for_loss(const negatives::LocalRows& own, sampler::Range share,
                                 int64_t global_rows) const = 0;
  /// The rows of this rank in a gradient by the rows of rows_for_loss.
  virtual at::Tensor own_part(const at::Tensor& gradient_nD, sampler::Range share) const = 0;
  /// Embeddings of the rows of rows_for_loss by another encoder, not in training mode: the keys of a momentum
  /// encoder.
  virtual at::Tensor encode_keys(encoders::Encoder& momentum_encoder, const Features& x, sampler::Range share,
                                 int64_t global_rows) = 0;
  /// With batch_norm: local, does each rank have running statistics of its own?
  virtual bool statistics_are_per_rank() const = 0;
};

/// Selects and configures an EncoderPass.
struct PassOptions {
  Precision precision = Precision::kFloat32;
  int64_t micro_batch = 0;   ///< DirectPass: rows at a time; 0: all at once
  int64_t micro_shards = 0;  ///< above 0: CanonicalPass with that many micro-shards
};

/// The pass that the options select. `encoder` must be built and outlive it. Throws ConfigError.
std::unique_ptr<EncoderPass> make_encoder_pass(const distributed::Group& world, encoders::Encoder& encoder,
                                               const PassOptions& options);

}  // namespace lodestone::engine
