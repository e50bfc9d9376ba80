#include "trainer/coordinator/checkpoints/checkpoint_writer.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include <signal.h>

#include "common/causes.h"
#include "common/error.h"

namespace lodestone::coordinator {

struct CheckpointWriter::Save {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  SaveOutcome outcome;
};

namespace {

// Blocks signals on the writer's thread: the training thread handles them, and its
// system calls are to be interrupted.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

CheckpointWriter::~CheckpointWriter() = default;

bool CheckpointWriter::busy() const {
  if (!save_) return false;
  const std::scoped_lock lock(save_->mutex);
  return !save_->done;
}

void CheckpointWriter::start(int64_t step, std::function<SavedCheckpoint()> save) {
  if (save_) throw Error("checkpoint: expected one save at a time, got a second one");
  save_ = std::make_shared<Save>();
  save_->outcome.step = step;
  const SignalsBlocked inherited;
  std::thread([state = save_, work = std::move(save)]() mutable {
    SaveOutcome outcome{state->outcome.step, {}, {}};
    try {
      outcome.saved = work();
    } catch (const std::exception& error) {
      outcome.problem = explain_on_a_line(error);
    }
    work = nullptr;  // frees what it owns before the save counts as done
    const std::scoped_lock lock(state->mutex);
    state->outcome = std::move(outcome);
    state->done = true;
    state->ended.notify_all();
  }).detach();
}

std::optional<SaveOutcome> CheckpointWriter::take() {
  if (!save_ || busy()) return {};
  SaveOutcome outcome = std::move(save_->outcome);
  save_.reset();
  return outcome;
}

bool CheckpointWriter::wait(std::chrono::duration<double> longest) const {
  if (!save_) return true;
  std::unique_lock lock(save_->mutex);
  return save_->ended.wait_for(lock, longest, [&] { return save_->done; });
}

}  // namespace lodestone::coordinator
