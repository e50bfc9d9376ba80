#include "trainer/encoders/exported/allocation_bound.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

#include <c10/core/Allocator.h>
#include <c10/core/impl/alloc_cpu.h>

namespace lodestone::encoders::exported {

namespace {

/// LibTorch's allocator tells of each block before anything is written to it.
class Watch : public c10::MemoryReportingInfoBase {
 public:
  explicit Watch(int64_t bytes) : most_(bytes), left_(bytes) {}

  void reportMemoryUsage(void* block, int64_t size, size_t, size_t, c10::Device device) override {
    if (!device.is_cpu() || (left_ -= size) >= 0 || size < 0) return;
    left_ += size;
    c10::free_cpu(block);
    throw std::runtime_error("tensors of more than " + std::to_string(most_) +
                             " bytes, the most that a few rows may take");
  }
  bool memoryProfilingEnabled() const override { return true; }

 private:
  const int64_t most_;
  std::atomic<int64_t> left_;
};

}  // namespace

AllocationBound::AllocationBound(int64_t bytes)
    : guard_(c10::DebugInfoKind::PROFILER_STATE, std::make_shared<Watch>(bytes)) {}

}  // namespace lodestone::encoders::exported
