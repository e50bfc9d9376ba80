#include "distributed/backends/local_hub.h"

#include <algorithm>

#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>

#include "common/error.h"
#include "common/torch_error.h"

namespace lodestone::distributed {

namespace {

// Folded in order; float16 and bfloat16 in float32.
at::Tensor reduce_in_order(const std::vector<at::Tensor>& parts, c10d::ReduceOp::RedOpType op) {
  const at::ScalarType type = parts.front().scalar_type();
  const bool narrow = type == at::kBFloat16 || type == at::kHalf;
  const auto wide = [&](const at::Tensor& part) { return narrow ? part.to(at::kFloat) : part; };
  at::Tensor total = wide(parts.front()).clone();
  for (size_t i = 1; i < parts.size(); ++i) {
    const at::Tensor part = wide(parts[i]);
    switch (op) {
      case c10d::ReduceOp::SUM:
        total.add_(part);
        break;
      case c10d::ReduceOp::MAX:
        at::maximum_out(total, total, part);
        break;
      case c10d::ReduceOp::MIN:
        at::minimum_out(total, total, part);
        break;
      default:
        throw Error("group all_reduce: expected sum, max or min, got c10d reduce op " + std::to_string(op));
    }
  }
  return total.to(type);
}

void carry_out(std::vector<Call>& calls) {
  const at::NoGradGuard no_grad;
  const size_t world = calls.size();
  const Call& first = calls.front();
  if (first.kind == c10d::OpType::ALLREDUCE) {
    std::vector<at::Tensor> parts;
    for (const Call& call : calls) parts.push_back(call.inputs.front());
    const at::Tensor total = reduce_in_order(parts, first.op);
    for (const Call& call : calls) call.outputs.front().copy_(total);
  } else if (first.kind == c10d::OpType::BROADCAST) {
    const at::Tensor& source = calls[static_cast<size_t>(first.peer)].inputs.front();
    for (const Call& call : calls) {
      if (!call.outputs.front().is_same(source)) call.outputs.front().copy_(source);
    }
  } else if (first.kind == c10d::OpType::ALLGATHER) {
    for (const Call& call : calls) {
      for (size_t r = 0; r < world; ++r) call.outputs[r].view({-1}).copy_(calls[r].inputs.front().view({-1}));
    }
  } else {
    for (size_t q = 0; q < world; ++q) {
      std::vector<at::Tensor> parts;
      for (const Call& call : calls) parts.push_back(call.inputs[q]);
      const at::Tensor& own = calls[q].outputs.front();
      own.view({-1}).copy_(reduce_in_order(parts, first.op).view({-1}));
    }
  }
}

int64_t elements(const std::vector<at::Tensor>& tensors) {
  int64_t total = 0;
  for (const at::Tensor& tensor : tensors) total += tensor.numel();
  return total;
}

// What must be equal on all ranks before memory is accessed.
bool same_call(const Call& a, const Call& b) {
  if (a.kind != b.kind || a.op != b.op || a.peer != b.peer) return false;
  if (a.inputs.front().scalar_type() != b.inputs.front().scalar_type()) return false;
  if (a.kind == c10d::OpType::ALLGATHER) return elements(a.outputs) == elements(b.outputs);
  return elements(a.inputs) == elements(b.inputs);
}

}  // namespace

std::string Hub::mismatch(const Collective& collective, int rank, const Call& call) const {
  for (size_t r = 0; r < collective.calls.size(); ++r) {
    const auto& other = collective.calls[r];
    if (!other || same_call(*other, call)) continue;
    const auto text = [](const Call& c) {
      return std::string(c.operation) + " of " + std::to_string(elements(c.inputs)) + " " +
             at::toString(c.inputs.front().scalar_type());
    };
    return "rank " + std::to_string(world_rank(static_cast<size_t>(rank))) + " called " + text(call) +
           " while rank " + std::to_string(world_rank(r)) + " called " + text(*other) +
           ": all ranks must make the same calls";
  }
  return "";
}

void Hub::enter(int rank, Call call) {
  std::unique_lock lock(mutex_);
  if (!aborted_.empty()) {
    const auto error = members_[static_cast<size_t>(rank)].context->error(call.operation, aborted_);
    lock.unlock();
    return call.work->fail(error);
  }
  const uint64_t number = next_call_[static_cast<size_t>(rank)]++;
  Collective& collective = collectives_[number];
  if (collective.arrived == 0) {
    collective.calls.resize(members_.size());
    collective.number = number;
    collective.deadline = call.work->deadline();
  }
  const std::string problem = mismatch(collective, rank, call);
  collective.calls[static_cast<size_t>(rank)] = std::move(call);
  if (!problem.empty()) {
    lock.unlock();
    return abort_calls(problem);
  }
  if (++collective.arrived < members_.size()) {
    lock.unlock();
    return changed_.notify_all();
  }
  std::vector<Call> calls;
  for (auto& arrived : collective.calls) calls.push_back(std::move(*arrived));
  collectives_.erase(number);
  lock.unlock();
  try {
    carry_out(calls);
  } catch (const std::exception& cause) {
    const std::string why = std::string("cannot be carried out: ") + torch_reason(cause);
    for (size_t r = 0; r < calls.size(); ++r)
      calls[r].work->fail(members_[r].context->error(calls[r].operation, why));
    return abort_calls(why);
  }
  for (const Call& done : calls) done.work->done();
}

void Hub::post(int rank, Call call) {
  const bool sends = call.kind == c10d::OpType::SEND;
  const auto route = sends ? std::pair(rank, call.peer) : std::pair(call.peer, rank);
  std::unique_lock lock(mutex_);
  Mail& mail = mail_[route];
  auto& other_side = sends ? mail.receives : mail.sends;
  if (!aborted_.empty()) {
    const auto error = members_[static_cast<size_t>(rank)].context->error(call.operation, aborted_);
    lock.unlock();
    return call.work->fail(error);
  }
  if (other_side.empty()) {
    (sends ? mail.sends : mail.receives).push_back(std::move(call));
    lock.unlock();
    return changed_.notify_all();
  }
  Call other = std::move(other_side.front());
  other_side.pop_front();
  lock.unlock();
  const at::Tensor& source = (sends ? call : other).inputs.front();
  const at::Tensor& target = (sends ? other : call).outputs.front();
  if (source.numel() != target.numel() || source.scalar_type() != target.scalar_type()) {
    const std::string why = "rank " + std::to_string(world_rank(static_cast<size_t>(route.first))) +
                            " sent " + std::to_string(source.numel()) + " elements to rank " +
                            std::to_string(world_rank(static_cast<size_t>(route.second))) +
                            ", which expected " + std::to_string(target.numel());
    call.work->fail(members_[static_cast<size_t>(rank)].context->error(call.operation, why));
    other.work->fail(members_[static_cast<size_t>(call.peer)].context->error(other.operation, why));
    return abort_calls(why);
  }
  const at::NoGradGuard no_grad;
  target.view({-1}).copy_(source.view({-1}));
  call.work->done();
  other.work->done();
}

void Hub::abort_calls(const std::string& why) {
  std::vector<std::pair<size_t, Call>> waiting;
  std::vector<std::weak_ptr<Hub>> children;
  {
    std::scoped_lock lock(mutex_);
    if (!aborted_.empty()) return;
    aborted_ = why;
    for (auto& [number, collective] : collectives_) {
      for (size_t r = 0; r < collective.calls.size(); ++r) {
        if (collective.calls[r]) waiting.emplace_back(r, std::move(*collective.calls[r]));
      }
    }
    for (auto& [route, mail] : mail_) {
      for (Call& call : mail.sends) waiting.emplace_back(static_cast<size_t>(route.first), std::move(call));
      for (Call& call : mail.receives)
        waiting.emplace_back(static_cast<size_t>(route.second), std::move(call));
    }
    collectives_.clear();
    mail_.clear();
    unclaimed_.clear();
    children = children_;
  }
  for (const Members& members : members_) members.context->fail(why);
  for (auto& [rank, call] : waiting) call.work->fail(members_[rank].context->error(call.operation, why));
  for (const auto& child : children) {
    if (const auto hub = child.lock()) hub->abort_calls(why);
  }
  if (parent_) parent_->abort_calls(why);
}

std::optional<Clock::time_point> Hub::next_deadline() const {
  std::optional<Clock::time_point> first;
  const auto consider = [&](Clock::time_point deadline) {
    first = first ? std::min(*first, deadline) : deadline;
  };
  for (const auto& [number, collective] : collectives_) consider(collective.deadline);
  for (const auto& [route, mail] : mail_) {
    for (const Call& call : mail.sends) consider(call.work->deadline());
    for (const Call& call : mail.receives) consider(call.work->deadline());
  }
  return first;
}

std::string Hub::who_is_late(Clock::time_point now) const {
  for (const auto& [number, collective] : collectives_) {
    if (collective.deadline > now) continue;
    std::string late;
    const char* operation = "";
    for (size_t r = 0; r < collective.calls.size(); ++r) {
      if (collective.calls[r]) {
        operation = collective.calls[r]->operation;
      } else {
        late += (late.empty() ? "rank " : ", rank ") + std::to_string(world_rank(r));
      }
    }
    return late + " has not entered " + operation + " (call " + std::to_string(number) + " of group " + id_ +
           ")";
  }
  for (const auto& [route, mail] : mail_) {
    if (mail.sends.empty() && mail.receives.empty()) continue;
    const Call& call = mail.sends.empty() ? mail.receives.front() : mail.sends.front();
    if (call.work->deadline() > now) continue;
    const size_t position = static_cast<size_t>(mail.sends.empty() ? route.first : route.second);
    return "rank " + std::to_string(world_rank(position)) + " has not entered send_recv";
  }
  return "";
}

void Hub::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto deadline = next_deadline();
    if (!deadline) {
      changed_.wait(lock);
      continue;
    }
    if (Clock::now() < *deadline) {
      changed_.wait_until(lock, *deadline);
      continue;
    }
    const std::string why = late_text(members_.front(), who_is_late(Clock::now()));
    lock.unlock();
    abort_calls(why);
    lock.lock();
  }
}

std::shared_ptr<Hub> Hub::subgroup(const Members& members, const std::vector<int>& positions) {
  std::scoped_lock lock(mutex_);
  Child& child = unclaimed_[members.id];
  if (!child.hub) {
    std::vector<Members> all(positions.size(), members);
    for (size_t i = 0; i < positions.size(); ++i) {
      all[i].rank = static_cast<int>(i);
      all[i].context = members_[static_cast<size_t>(positions[i])].context;
    }
    child.hub = std::make_shared<Hub>(members.id, std::move(all), shared_from_this());
    children_.push_back(child.hub);
  }
  const std::shared_ptr<Hub> hub = child.hub;
  if (++child.taken == positions.size()) unclaimed_.erase(members.id);
  return hub;
}

}  // namespace lodestone::distributed
