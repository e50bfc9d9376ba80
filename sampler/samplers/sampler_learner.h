#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include <ATen/core/Tensor.h>

#include "sampler/samplers/index_sampler.h"

namespace lodestone {

/// The part of an index sampler that learns from training. With it, batches are pure functions of (seed,
/// epoch, position) and of the observations. Every rank observes the same rows in the same order, so the
/// batches are the same on all ranks.
/// Threads   safe concurrently, with batch() too.
class SamplerLearner {
 public:
  virtual ~SamplerLearner() = default;
  /// Observes one step: labels and embeddings of its global batch, in the batch's order. It may be empty.
  /// Shapes    labels B; z_BD floating point, on the CPU.
  /// Requires  steps in order: `cursor` follows the one observed before; throws Error otherwise.
  virtual void observe(Cursor cursor, std::span<const int64_t> labels, const at::Tensor& z_BD) = 0;
  /// The largest number of batches that may be requested beyond the next one to be observed.
  virtual int64_t lookahead() const = 0;
  /// The learned state as CPU tensors; those of classes have one row per class.
  virtual std::map<std::string, at::Tensor> state() const = 0;
  /// Restores a state. `next` is the next batch to be observed, in positions of this sampler, whatever
  /// sampler wrote the state. Throws CheckpointError if the tensors do not fit.
  virtual void restore(const std::map<std::string, at::Tensor>& state, Cursor next) = 0;
};

}  // namespace lodestone
