#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include <ATen/core/Tensor.h>

#include "sampler/samplers/index_sampler.h"

namespace lodestone {

/// The part of an index sampler that learns from training. Its batches are then pure functions of (seed, epoch, position) and of
/// what was observed; and since every rank observes the same rows in the same order, they are the same on all ranks.
/// Threads    safe concurrently, with batch() too
class SamplerLearner {
 public:
  virtual ~SamplerLearner() = default;
  /// What a step saw: labels and embeddings of its global batch, in the batch's order; none of them is allowed too.
  /// Shapes     labels B, z_BD floating point on the CPU
  /// Requires   steps come one after another: `cursor` follows the one observed before. Throws Error otherwise.
  virtual void observe(Cursor cursor, std::span<const int64_t> labels, const at::Tensor& z_BD) = 0;
  /// How many batches may be asked for beyond the one that is observed next.
  virtual int64_t lookahead() const = 0;
  /// All that was learned, as tensors on the CPU: those of classes have a row for each.
  virtual std::map<std::string, at::Tensor> state() const = 0;
  /// The reverse: `next` is the batch that will be observed next, in this sampler's own batches, whatever those of the state were.
  /// Throws CheckpointError if the tensors do not fit.
  virtual void restore(const std::map<std::string, at::Tensor>& state, Cursor next) = 0;
};

}  // namespace lodestone
