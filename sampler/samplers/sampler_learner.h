#pragma once

#include <cstdint>
#include <span>

#include <ATen/core/Tensor.h>

#include "common/state.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone::sampler {

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
  /// Visits the learned state, in the group "sampler": CPU tensors; those of classes have one row per class.
  /// Throws CheckpointError, and keeps its state, if a visitor puts in tensors that do not fit.
  virtual void visit_state(StateVisitor& v) = 0;
  /// Call it after a state was restored: `next` is the next batch to be observed, in positions of this
  /// sampler, whatever sampler wrote the state.
  virtual void seek(Cursor next) = 0;
};

}  // namespace lodestone::sampler
