#pragma once

// Internal to distributed/, since it has c10d types: include it from .cpp files only.

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/distributed/c10d/Work.hpp>

#include "distributed/transport/members.h"

namespace lodestone::distributed {

/// A collective of one of our own backends. The backend completes it by done() or fail(), before the
/// deadline; only the first call counts. If the backend's thread hangs inside a system call, wait() gives up
/// a little after the deadline.
class RankWork : public c10d::Work {
 public:
  RankWork(const Members& members, c10d::OpType type, const char* operation, std::vector<at::Tensor> results);

  bool wait(std::chrono::milliseconds timeout = kNoTimeout) override;
  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override { return future_; }
  std::vector<at::Tensor> result() override { return results_; }

  /// Adds the call to the flight record, which is updated at its end.
  void recorded(const std::string& group, int64_t bytes);
  void done();
  void fail(std::exception_ptr error);
  const char* operation() const { return operation_; }
  Clock::time_point deadline() const { return deadline_; }

 private:
  const std::shared_ptr<GroupContext> context_;
  const char* const operation_;
  const Clock::time_point deadline_;
  std::vector<at::Tensor> results_;
  c10::intrusive_ptr<c10::ivalue::Future> future_;
  std::atomic<bool> ended_{false};
  uint64_t sequence_ = 0;  // in the flight record
};

}  // namespace lodestone::distributed
