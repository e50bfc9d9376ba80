#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "distributed/group.h"

namespace lodestone::distributed {

/// Sums parameter gradients over ranks during the backward pass, in buckets, so that communication overlaps
/// computation.
/// Math      p.grad <- sum over ranks of p.grad. A SUM, never a mean: this library's loss is defined over the
///           global batch, and each rank has its part of that gradient. Nothing else may scale it.
/// Ranks     collective, also the constructor: all ranks call prepare and finish in the same order, with the
///           same parameters.
/// Gradient  a rank whose outputs reach no parameter (without rows, for example) contributes zero and gets
///           the sum. A parameter that no rank used keeps its grad (undefined if it was). Backward passes
///           without prepare accumulate locally; the next prepared one reduces the accumulated grads.
/// Cost      per step 2 P (W-1)/W bytes for P bytes of gradients, plus 4 bytes per parameter to agree on the
///           used ones; memory P for the buckets. W = 1 costs nothing.
/// Requires  prepare(outputs), then backward from exactly these outputs, then finish(). Other collectives may
///           run meanwhile, since this has its own communicator. Parameters are leaves, dense, and stay on
///           their device.
/// Throws    CommError from prepare, backward or finish if a rank is lost or late. Error if there are no
///           parameters to train.
/// Threads   one.
/// Owns      copies of the tensor handles.
class GradientSync {
 public:
  static constexpr int64_t kDefaultBucketBytes = int64_t{25} << 20;

  GradientSync(Group group, const std::vector<at::Tensor>& parameters,
               int64_t bucket_bytes = kDefaultBucketBytes);
  ~GradientSync();
  GradientSync(GradientSync&&) noexcept;
  GradientSync& operator=(GradientSync&&) noexcept;

  /// Makes the next backward pass, which starts at `outputs`, reduce.
  void prepare(const std::vector<at::Tensor>& outputs);
  /// Completes the reduction: afterwards the gradients are the sums. With a GPU, the host waits for them, at
  /// most for the group's timeout.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lodestone::distributed
