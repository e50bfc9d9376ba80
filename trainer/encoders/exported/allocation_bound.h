#pragma once

#include <cstdint>

#include <c10/util/ThreadLocalDebugInfo.h>

namespace lodestone::encoders::exported {

/// While it lives, the tensors that this thread makes on the CPU hold at most so many bytes at a time: one
/// beyond that throws std::runtime_error, and its memory is given back before it is written. Tensors may
/// outlive it. Memory that a kernel takes aside from tensors is not counted.
/// Requires  no profiler of LibTorch on this thread, whose place it takes
class AllocationBound {
 public:
  explicit AllocationBound(int64_t bytes);

 private:
  c10::DebugInfoGuard guard_;
};

}  // namespace lodestone::encoders::exported
