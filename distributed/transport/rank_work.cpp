#include "distributed/transport/rank_work.h"

namespace lodestone::distributed {

namespace {
// Time that a backend may need after the deadline to ask the control plane who is late, and to tell all
// ranks.
constexpr auto kAnswerMargin = std::chrono::seconds(10);
}  // namespace

RankWork::RankWork(const Members& members, c10d::OpType type, const char* operation,
                   std::vector<at::Tensor> results)
    : c10d::Work(members.rank, type),
      context_(members.context),
      operation_(operation),
      deadline_(Clock::now() + members.options.timeout),
      results_(std::move(results)),
      future_(c10::make_intrusive<c10::ivalue::Future>(c10::ListType::create(c10::TensorType::get()))) {}

bool RankWork::wait(std::chrono::milliseconds) {
  std::unique_lock lock(mutex_);
  if (!cv_.wait_until(lock, deadline_ + kAnswerMargin, [this] { return completed_; })) {
    lock.unlock();
    const std::string why = "the communication thread of this rank is stuck inside a system call";
    context_->fail(why);
    std::rethrow_exception(context_->error(operation_, why));
  }
  if (exception_) std::rethrow_exception(exception_);
  return true;
}

void RankWork::recorded(const std::string& group, int64_t bytes) {
  sequence_ = context_->record().begin(group, operation_, bytes, context_->step());
}

void RankWork::done() {
  if (ended_.exchange(true)) return;
  context_->record().end(sequence_, true);
  future_->markCompleted(c10::IValue(results_));
  finish();
}

void RankWork::fail(std::exception_ptr error) {
  if (ended_.exchange(true)) return;
  context_->record().end(sequence_, false);
  future_->setError(error);
  finish(error);
}

}  // namespace lodestone::distributed
