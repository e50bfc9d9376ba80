#include "distributed/transport/context.h"

#include "common/error.h"
#include "distributed/control/control.h"

namespace lodestone::distributed {

GroupContext::GroupContext(int world_rank, std::shared_ptr<ControlPlane> control)
    : world_rank_(world_rank), control_(std::move(control)) {}

void GroupContext::set_step(int64_t step) {
  step_.store(step, std::memory_order_relaxed);
  if (control_) control_->set_step(step);
}

void GroupContext::entered(const std::string& group, uint64_t call, const char* operation) {
  if (control_) control_->entered(group, call, operation);
}

std::optional<std::string> GroupContext::failure() {
  if (failed_.load(std::memory_order_acquire)) {
    std::scoped_lock lock(mutex_);
    return failure_;
  }
  if (!control_) return std::nullopt;
  auto verdict = control_->failure();
  if (verdict) {
    std::scoped_lock lock(mutex_);
    if (failure_.empty()) failure_ = *verdict;
    failed_.store(true, std::memory_order_release);
  }
  return verdict;
}

void GroupContext::fail(const std::string& what, int code) {
  {
    std::scoped_lock lock(mutex_);
    if (!failure_.empty()) return;
    failure_ = what;
    failed_.store(true, std::memory_order_release);
  }
  if (control_) control_->report(what, code);
}

void GroupContext::check(const char* operation) {
  if (auto what = failure()) std::rethrow_exception(error(operation, *what));
}

std::exception_ptr GroupContext::error(const char* operation, const std::string& what) const {
  return std::make_exception_ptr(CommError(std::string("group ") + operation + " (rank " +
                                           std::to_string(world_rank_) + ", step " + std::to_string(step()) +
                                           "): " + what +
                                           "; the group is unusable: end all ranks and restart the job, "
                                           "which resumes from the newest checkpoint"));
}

void GroupContext::add_cuda_group(std::weak_ptr<distributed::GroupState> group) {
  std::scoped_lock lock(mutex_);
  std::erase_if(cuda_groups_, [](const auto& known) { return known.expired(); });
  cuda_groups_.push_back(std::move(group));
}

std::vector<std::shared_ptr<distributed::GroupState>> GroupContext::cuda_groups() {
  std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<distributed::GroupState>> alive;
  for (const auto& known : cuda_groups_)
    if (auto group = known.lock()) alive.push_back(std::move(group));
  return alive;
}

std::string GroupContext::late(const std::string& group, uint64_t call, const std::vector<int>& world_ranks) {
  return control_ ? control_->late(group, call, world_ranks) : std::string();
}

}  // namespace lodestone::distributed
