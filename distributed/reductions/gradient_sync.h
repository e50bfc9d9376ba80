#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "distributed/group.h"

namespace lodestone {

/// Sums parameter gradients over ranks during the backward pass, in buckets, so that sending overlaps
/// computing.
/// Math       p.grad <- sum over ranks of p.grad. A SUM, never a mean: the loss of this library is defined
///            over the global batch, and each rank holds its part of that one gradient. Nothing else may
///            scale it.
/// Ranks      collective, the constructor too: all ranks call prepare and finish in the same order, with the
///            same parameters.
/// Gradient   a rank whose outputs reach no parameter (no rows, say) counts as zero and gets the others' sum.
///            A parameter that no rank used keeps its grad as it is (undefined, if it was). Backwards without
///            prepare accumulate locally; the next prepared one then reduces the accumulated grads.
/// Cost       per step 2 P (W-1)/W bytes for P bytes of gradients, plus 4 bytes per parameter to agree on the
///            used ones; memory P for the buckets. W = 1 costs nothing.
/// Requires   prepare(outputs); backward from exactly these outputs; finish(). Other collectives may run
///            meanwhile: this has a communicator of its own. Parameters are leaves, dense, and do not change
///            device.
/// Throws     CommError out of prepare, backward or finish if a rank is lost or late. Error if there is nothing to
///            train.
/// Threads    one.
/// Owns       copies of the tensor handles.
class GradientSync {
 public:
  static constexpr int64_t kDefaultBucketBytes = int64_t{25} << 20;

  GradientSync(Group group, const std::vector<at::Tensor>& parameters,
               int64_t bucket_bytes = kDefaultBucketBytes);
  ~GradientSync();
  GradientSync(GradientSync&&) noexcept;
  GradientSync& operator=(GradientSync&&) noexcept;

  /// The next backward pass, which starts at `outputs`, reduces.
  void prepare(const std::vector<at::Tensor>& outputs);
  /// Ends the pass: afterwards the gradients are the sums. On a GPU the host waits for them, up to the group's timeout.
  void finish();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace lodestone
