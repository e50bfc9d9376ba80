#include "distributed/transport/pending_op.h"

#include <thread>

#include "common/error.h"
#include "common/torch_error.h"
#include "distributed/control/control.h"
#include "distributed/transport/call_timer.h"

namespace lodestone::distributed {

namespace {

// NCCL notices a broken connection seconds before the control plane can tell which rank is lost.
std::string broken_text(GroupContext& context, const std::exception& cause) {
  const auto patience =
      context.control() ? 2 * context.control()->options().peer_timeout : std::chrono::milliseconds(0);
  for (const auto end = Clock::now() + patience; Clock::now() < end;) {
    if (auto why = context.failure()) return *why;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return std::string("the backend failed: ") + torch_reason(cause);
}

std::string broken_text(GroupContext& context, const std::exception_ptr& problem) {
  try {
    std::rethrow_exception(problem);
  } catch (const std::exception& cause) {
    return broken_text(context, cause);
  }
}

void wait_on_cuda(PendingOp& op) {
  GroupContext& context = *op.state->members.context;
  try {
    await_on_cuda(*op.state, op.operation, *op.work, op.deadline, op.call);
  } catch (const Error&) {
    context.record().end(op.sequence, false);
    throw;
  }
  op.work->wait();
  context.record().end(op.sequence, true);
}

}  // namespace

void rethrow_as_comm_error(GroupState& state, const char* operation, const std::exception& cause,
                           bool on_cuda) {
  GroupContext& context = *state.members.context;
  if (!context.failure())
    context.fail(on_cuda ? broken_text(context, cause)
                         : std::string("the backend failed: ") + torch_reason(cause));
  std::rethrow_exception(context.error(operation, *context.failure()));
}

void await_on_cuda(GroupState& state, const char* operation, c10d::Work& work, Clock::time_point deadline,
                   uint64_t call) {
  GroupContext& context = *state.members.context;
  const auto give_up = [&](const std::string& why) {
    context.fail(why);
    state.abort_cuda();
    std::rethrow_exception(context.error(operation, why));
  };
  while (!work.isCompleted()) {
    if (auto why = context.failure()) give_up(*why);
    if (Clock::now() > deadline)
      give_up(late_text(state.members,
                        call ? context.late(state.members.id, call, state.members.world_ranks) : ""));
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
  if (const auto problem = work.exception()) give_up(broken_text(context, problem));
  if (auto why = context.failure()) give_up(*why);  // an abort also completes calls
}

std::shared_ptr<PendingOp> completed_op(const at::Tensor& result) {
  auto op = std::make_shared<PendingOp>();
  op->wire = result;
  op->device = result.device();
  return op;
}

std::shared_ptr<PendingOp> start_op(
    const std::shared_ptr<GroupState>& state, const char* operation, const at::Tensor& wire,
    const at::Tensor& target, c10::Device device,
    const std::function<c10::intrusive_ptr<c10d::Work>(c10d::Backend&)>& begin) {
  const CallTimer timer(state.get(), operation);
  auto op = std::make_shared<PendingOp>();
  op->state = state;
  op->operation = operation;
  op->wire = wire;
  op->target = target;
  op->device = device;
  op->deadline = Clock::now() + state->members.options.timeout;
  if (wire.is_cuda()) {
    std::scoped_lock lock(state->mutex);
    op->call = ++state->cuda_calls;
    GroupContext& context = *state->members.context;
    context.entered(state->members.id, op->call, operation);
    op->sequence = context.record().begin(state->members.id, operation, static_cast<int64_t>(wire.nbytes()),
                                          context.step());
  }
  try {
    op->work = begin(wire.is_cuda() ? *state->cuda : *state->cpu);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& cause) {
    rethrow_as_comm_error(*state, operation, cause, wire.is_cuda());
  }
  return op;
}

at::Tensor wait_for_op(PendingOp& op) {
  if (op.work) {
    const CallTimer timer(op.state.get(), op.operation);
    try {
      if (op.wire.is_cuda()) {
        wait_on_cuda(op);
      } else {
        op.work->wait();
      }
    } catch (const Error&) {
      throw;
    } catch (const std::exception& cause) {
      rethrow_as_comm_error(*op.state, op.operation, cause, op.wire.is_cuda());
    }
    op.work.reset();
    const at::NoGradGuard no_grad;
    if (op.target.defined()) {
      if (!op.target.is_alias_of(op.wire)) op.target.copy_(op.wire);
      op.wire = op.target;
    } else if (op.wire.device() != op.device) {
      op.wire = op.wire.to(op.device);
    }
  }
  return op.wire;
}

}  // namespace lodestone::distributed
