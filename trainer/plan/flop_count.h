#pragma once

#include <ATen/record_function.h>

namespace lodestone::plan {

/// Counts the floating-point operations of the matrix products, convolutions and attentions that LibTorch
/// computes on this thread during its lifetime. A multiplication and an addition count as two. Operations
/// linear in their input (norms, activations) are not counted.
/// Requires  only one exists per thread at a time
class FlopCount {
 public:
  FlopCount();
  ~FlopCount();
  FlopCount(const FlopCount&) = delete;
  FlopCount& operator=(const FlopCount&) = delete;

  double total() const;

 private:
  at::CallbackHandle handle_;
};

}  // namespace lodestone::plan
