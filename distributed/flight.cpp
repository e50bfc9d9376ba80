#include "distributed/flight.h"

#include <thread>

#include "common/error.h"

namespace lodestone {

namespace {

// c10d and NCCL throw their own types; callers are promised a CommError.
[[noreturn]] void rethrow_as_comm_error(GroupState& state, const char* verb, const std::exception& cause) {
  GroupContext& context = *state.members.context;
  if (!context.failure()) context.fail(std::string("the backend failed: ") + cause.what());
  std::rethrow_exception(context.error(verb, *context.failure()));
}

[[noreturn]] void give_up_cuda(GroupState& state, const char* verb, uint64_t sequence, const std::string& why) {
  state.members.context->fail(why);
  state.members.context->record().end(sequence, false);
  state.cuda->abort();  // ends the kernels, which would otherwise wait on the device for ever
  std::rethrow_exception(state.members.context->error(verb, why));
}

// NCCL's own wait only orders streams. The host waits here instead, so that a lost peer becomes an error with
// a name.
void wait_on_cuda(Flight& flight) {
  GroupState& state = *flight.state;
  GroupContext& context = *state.members.context;
  while (!flight.work->isCompleted()) {
    if (auto why = context.failure()) give_up_cuda(state, flight.verb, flight.sequence, *why);
    if (Clock::now() > flight.deadline) {
      give_up_cuda(
          state, flight.verb, flight.sequence,
          late_text(state.members, context.late(state.members.id, flight.call, state.members.world_ranks)));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
  flight.work->wait();
  context.record().end(flight.sequence, true);
}

}  // namespace

std::string late_text(const Members& members, const std::string& who) {
  return "not all ranks came within " + std::to_string(members.options.timeout.count()) +
         " ms: " + (who.empty() ? std::string("who is late cannot be told") : who);
}

std::shared_ptr<Flight> landed(const at::Tensor& result) {
  auto flight = std::make_shared<Flight>();
  flight->wire = result;
  flight->device = result.device();
  return flight;
}

std::shared_ptr<Flight> take_off(const std::shared_ptr<GroupState>& state, const char* verb,
                                 const at::Tensor& wire, const at::Tensor& target, c10::Device device,
                                 const std::function<c10::intrusive_ptr<c10d::Work>(c10d::Backend&)>& begin) {
  const VerbTimer timer(state.get(), verb);
  auto flight = std::make_shared<Flight>();
  flight->state = state;
  flight->verb = verb;
  flight->wire = wire;
  flight->target = target;
  flight->device = device;
  flight->deadline = Clock::now() + state->members.options.timeout;
  if (wire.is_cuda()) {
    std::lock_guard lock(state->mutex);
    flight->call = ++state->cuda_calls;
    GroupContext& context = *state->members.context;
    context.entered(state->members.id, flight->call, verb);
    flight->sequence =
        context.record().begin(state->members.id, verb, static_cast<int64_t>(wire.nbytes()), context.step());
  }
  try {
    flight->work = begin(wire.is_cuda() ? *state->cuda : *state->cpu);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& cause) {
    rethrow_as_comm_error(*state, verb, cause);
  }
  return flight;
}

at::Tensor land(Flight& flight) {
  if (flight.work) {
    const VerbTimer timer(flight.state.get(), flight.verb);
    try {
      if (flight.wire.is_cuda()) {
        wait_on_cuda(flight);
      } else {
        flight.work->wait();
      }
    } catch (const Error&) {
      throw;
    } catch (const std::exception& cause) {
      rethrow_as_comm_error(*flight.state, flight.verb, cause);
    }
    flight.work.reset();
    const at::NoGradGuard no_grad;
    if (flight.target.defined()) {
      if (!flight.target.is_alias_of(flight.wire)) flight.target.copy_(flight.wire);
      flight.wire = flight.target;
    } else if (flight.wire.device() != flight.device) {
      flight.wire = flight.wire.to(flight.device);
    }
  }
  return flight.wire;
}

}  // namespace lodestone
