#include "distributed/backends/mpi_engine.h"

#include <array>
#include <exception>
#include <future>

#include "common/error.h"
#include "common/torch_error.h"

namespace lodestone::distributed {

void check_mpi(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw Error(std::string(what) + " failed: " + std::string(text.data(), static_cast<size_t>(length)));
}

void MpiEngine::start() {
  started_ = true;
  thread_ = std::thread([self = shared_from_this()] { self->run(); });
}

void MpiEngine::stop(bool failed) {
  std::unique_lock lock(mutex_);
  if (!started_) return;
  stopping_ = true;
  changed_.notify_all();
  const auto is_over = [this] { return ended_; };
  if (failed) {
    changed_.wait_for(lock, std::chrono::seconds(2), is_over);
  } else {
    changed_.wait(lock, is_over);
  }
  const bool over = ended_;
  lock.unlock();
  if (over) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

bool MpiEngine::running() const {
  std::scoped_lock lock(mutex_);
  return started_ && !stopping_;
}

void MpiEngine::submit(MpiTask task) {
  std::unique_lock lock(mutex_);
  if (stopping_) {
    lock.unlock();
    return task.work->fail(task.members->context->error(task.work->operation(), "MPI has been finalized"));
  }
  submitted_.push_back(std::move(task));
  changed_.notify_all();
}

void MpiEngine::run_there(std::function<void()> action, GroupContext* context) {
  const auto job = std::make_shared<std::packaged_task<void()>>(std::move(action));
  std::future<void> result = job->get_future();
  {
    std::scoped_lock lock(mutex_);
    if (stopping_) throw Error("mpi: used after the launch ended");
    actions_.emplace_back([job] { (*job)(); });
    changed_.notify_all();
  }
  constexpr std::chrono::milliseconds kBetweenLooks{20};
  while (result.wait_for(kBetweenLooks) != std::future_status::ready)
    if (context != nullptr) context->check("start");
  result.get();
}

void MpiEngine::run() {
  int idle_rounds = 0;
  while (take_new()) {
    if (active_.empty()) continue;
    if (poll()) {
      idle_rounds = 0;
      continue;
    }
    abort_if_hopeless();
    rest(idle_rounds++);
  }
  std::scoped_lock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

// False when the thread must end.
bool MpiEngine::take_new() {
  std::deque<MpiTask> tasks;
  std::deque<std::function<void()>> actions;
  {
    std::unique_lock lock(mutex_);
    if (active_.empty()) {
      changed_.wait(lock, [this] { return !submitted_.empty() || !actions_.empty() || stopping_; });
    }
    tasks.swap(submitted_);
    actions.swap(actions_);
    if (stopping_ && tasks.empty() && actions.empty() && active_.empty()) return false;
  }
  for (auto& action : actions) action();
  for (MpiTask& task : tasks) begin(std::move(task));
  return true;
}

void MpiEngine::begin(MpiTask task) {
  const Members& members = *task.members;
  if (task.number > 0) members.context->entered(members.id, task.number, task.work->operation());
  if (auto why = members.context->failure()) {
    return task.work->fail(members.context->error(task.work->operation(), *why));
  }
  try {
    task.start(task.requests);
  } catch (const std::exception& error) {
    return abandon(task, torch_reason(error));
  }
  active_.push_back(std::move(task));
}

// Whether any task was completed.
bool MpiEngine::poll() {
  bool progress = false;
  for (size_t i = 0; i < active_.size();) {
    MpiTask& task = active_[i];
    int done = 0;
    try {
      check_mpi(MPI_Testall(static_cast<int>(task.requests.size()), task.requests.data(), &done,
                            MPI_STATUSES_IGNORE),
                task.work->operation());
      if (done && task.finish) task.finish();
    } catch (const std::exception& error) {
      const MpiTask culprit = task;
      abandon(culprit, torch_reason(error));
      return true;
    }
    if (!done) {
      ++i;
      continue;
    }
    progress = true;
    const auto work = task.work;
    active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(i));
    work->done();
  }
  return progress;
}

void MpiEngine::abort_if_hopeless() {
  const MpiTask& oldest = active_.front();
  const Members& members = *oldest.members;
  if (auto why = members.context->failure()) return abandon(oldest, *why);
  for (const MpiTask& task : active_) {
    if (Clock::now() < task.work->deadline()) continue;
    const Members& own = *task.members;
    const std::string who = task.number > 0
                                ? own.context->late(own.id, task.number, own.world_ranks)
                                : "rank " + std::to_string(own.world_ranks[static_cast<size_t>(task.peer)]) +
                                      " has not entered send_recv";
    // Meanwhile the control plane may have reached a verdict, which says more.
    return abandon(task, own.context->failure().value_or(late_text(own, who)));
  }
}

// A rank that recovers may still write to these buffers, whose addresses MPI knows: they are never freed.
void MpiEngine::abandon(const MpiTask& culprit, const std::string& why) {
  culprit.members->context->fail(why);
  auto* leaked = new std::vector<MpiTask>(std::move(active_));
  active_.clear();
  culprit.work->fail(culprit.members->context->error(culprit.work->operation(), why));
  for (const MpiTask& task : *leaked) {
    task.work->fail(task.members->context->error(task.work->operation(), why));
  }
}

// Yielding keeps the latency low while a core is free; sleeping leaves the core to threads that compute.
void MpiEngine::rest(int idle_rounds) {
  if (idle_rounds < 100) {
    std::this_thread::yield();
  } else {
    std::this_thread::sleep_for(std::chrono::microseconds(idle_rounds < 1000 ? 20 : 100));
  }
}

}  // namespace lodestone::distributed
