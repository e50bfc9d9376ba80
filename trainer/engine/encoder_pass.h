#pragma once

#include <memory>
#include <string>

#include "distributed/group.h"
#include "sampler/samplers/index_sampler.h"
#include "trainer/encoders/encoder.h"
#include "trainer/negatives/tiles/row_set.h"

namespace lodestone {

/// Takes a step's rows through the encoder, and their gradient back: at once, in micro-batches (DirectPass), or in micro-shards whose
/// sums don't depend on the number of ranks (CanonicalPass). The trainer and verify-gradients use the same object.
///
///     const auto pass = make_encoder_pass(world, encoder, {"float32"});
///     const at::Tensor z_bD = pass->encode(x, mode, batch.share, batch.global_rows);
///     const auto rows = pass->rows_for_loss({z_bD, label_b, group_b, id_b}, batch.share, batch.global_rows);
///     const StepLoss loss = global_batch_loss(pass->loss_world(), rows.rows, objective);
///     pass->backward(pass->own_part(loss.gradient_bD, batch.share));
///     pass->reduce();  // the parameters' gradients are now those of the global batch
///
/// Ranks     encode, rows_for_loss, encode_keys and reduce are collective, and so is backward of DirectPass
/// Gradient  of parameters: a sum over the rows of all ranks, added to what is there
class EncoderPass {
 public:
  virtual ~EncoderPass() = default;

  /// z_bD of this rank's rows, detached, in float32 at least. `share`: their places among `global_rows`.
  virtual at::Tensor encode(const Features& x, const ForwardMode& mode, Range share, int64_t global_rows) = 0;
  /// From dL/dz of the rows that were encoded last, this rank's part of the parameters' gradients.
  virtual void backward(const at::Tensor& gradient_bD) = 0;
  /// Leaves the sum over ranks in the parameters' gradients.
  virtual void reduce() = 0;

  /// The ranks that form the loss together: all, or each by itself from all rows.
  virtual Group loss_world() const = 0;
  /// The rows that this rank brings to the loss, and their places in the global batch.
  struct LossRows {
    LocalRows rows;
    Range share;
  };
  virtual LossRows rows_for_loss(const LocalRows& own, Range share, int64_t global_rows) const = 0;
  /// This rank's rows of a gradient by those.
  virtual at::Tensor own_part(const at::Tensor& gradient_nD, Range share) const = 0;
  /// Embeddings of the rows for the loss from another encoder, not training: keys of a momentum encoder.
  virtual at::Tensor encode_keys(Encoder& slow, const Features& x, Range share, int64_t global_rows) = 0;
  /// Do ranks with batch_norm: local have running statistics of their own?
  virtual bool statistics_are_per_rank() const = 0;
};

struct PassOptions {
  std::string precision = "float32";  ///< as in Autocast
  int64_t micro_batch = 0;            ///< DirectPass: rows at a time; 0: all at once
  int64_t micro_shards = 0;           ///< above 0: CanonicalPass with as many
};

/// The pass that the options ask for. `encoder` is built and outlives it. Throws ConfigError.
std::unique_ptr<EncoderPass> make_encoder_pass(const Group& world, Encoder& encoder,
                                               const PassOptions& options);

}  // namespace lodestone
