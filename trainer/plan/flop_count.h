#pragma once

#include <ATen/record_function.h>

namespace lodestone {

/// Floating-point operations of the matrix products, convolutions and attentions that LibTorch does on this thread while this lives,
/// a multiplication and an addition counting as two. What is linear in its input (norms, activations) is not counted.
/// Limits     one at a time per thread
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

}  // namespace lodestone
