#include "distributed/group.h"

#include <algorithm>
#include <numeric>

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include "common/error.h"
#include "distributed/transport/call_check.h"
#include "distributed/transport/pending_op.h"

namespace lodestone::distributed {

namespace {

c10d::ReduceOp::RedOpType c10d_op(ReduceOp op) {
  switch (op) {
    case ReduceOp::kSum:
      return c10d::ReduceOp::SUM;
    case ReduceOp::kMax:
      return c10d::ReduceOp::MAX;
    case ReduceOp::kMin:
      return c10d::ReduceOp::MIN;
  }
  throw Error("group all_reduce: unknown reduce op");
}

// The tensor to transfer for `x`: x itself if possible, else a contiguous copy on a device that has a
// backend.
at::Tensor to_wire(GroupState& state, const char* operation, const at::Tensor& x) {
  if (x.is_cuda() && !state.cuda) {
    throw Error(std::string("group ") + operation +
                ": expected a tensor on the CPU, since the group's backend is " + state.backend +
                ", got one on " + x.device().str() +
                "; start with backend nccl, or move the tensor to the CPU");
  }
  at::Tensor plain = x.detach().contiguous();
  if (x.is_cuda() || state.cpu) return plain;
  return plain.to(at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(state.cuda_index)));
}

std::vector<int64_t> with_rows(const at::Tensor& x, int64_t rows) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape.front() = rows;
  return shape;
}

// One view of `x` per rank: its rows, by the ranks' counts.
std::vector<at::Tensor> rows_of_ranks(const at::Tensor& x, std::span<const int64_t> counts) {
  std::vector<at::Tensor> parts;
  int64_t first = 0;
  for (const int64_t count : counts) {
    parts.push_back(x.narrow(0, first, count));
    first += count;
  }
  return parts;
}

int64_t bytes_of(const at::Tensor& x) {
  return static_cast<int64_t>(x.nbytes());
}

bool all_equal(std::span<const int64_t> counts) {
  return std::all_of(counts.begin(), counts.end(), [&](int64_t count) { return count == counts.front(); });
}

int64_t sum_of(std::span<const int64_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

void check_counts(const Group& group, const char* operation, std::span<const int64_t> counts, int64_t rows,
                  int64_t expected_rows) {
  const bool fits = static_cast<int>(counts.size()) == group.size() &&
                    std::none_of(counts.begin(), counts.end(), [](int64_t count) { return count < 0; });
  if (fits && rows == expected_rows) return;
  throw Error(std::string("group ") + operation + ": expected " + std::to_string(group.size()) +
              " row counts that fit the tensor, got " + std::to_string(counts.size()) + " that ask for " +
              std::to_string(expected_rows) + " rows where the tensor has " + std::to_string(rows));
}

void check_rows(const char* operation, const at::Tensor& x) {
  if (x.dim() == 0)
    throw Error(std::string("group ") + operation + ": expected a tensor with rows, got a scalar");
}

void check_rank(const Group& group, const char* operation, int rank) {
  if (rank >= 0 && rank < group.size()) return;
  throw Error(std::string("group ") + operation + ": expected a rank below " + std::to_string(group.size()) +
              ", got " + std::to_string(rank));
}

}  // namespace

at::Tensor Pending::wait() {
  return wait_for_op(*op_);
}

int Group::rank() const {
  return state_->members.rank;
}
int Group::size() const {
  return state_->members.size();
}
int Group::local_rank() const {
  return state_->local_rank;
}
const std::string& Group::backend() const {
  return state_->backend;
}
const GroupOptions& Group::options() const {
  return state_->members.options;
}
void Group::set_step(int64_t step) const {
  state_->members.context->set_step(step);
}

Traffic Group::traffic() const {
  std::scoped_lock lock(state_->mutex);
  return state_->traffic;
}

void Group::abort(const std::string& why, int code) const {
  state_->members.context->fail(why, code);
  if (state_->cpu) state_->cpu->abort_calls(why);
  state_->abort_cuda();
}

void Group::check(const char* what) const {
  state_->members.context->check(what);
}

void Group::all_reduce(at::Tensor& x, ReduceOp op) const {
  all_reduce_async(x, op).wait();
}

Pending Group::all_reduce_async(at::Tensor x, ReduceOp op) const {
  constexpr const char* kOperation = "all_reduce";
  state_->members.context->check(kOperation);
  if (size() == 1 || x.numel() == 0) return Pending(completed_op(x));
  const at::NoGradGuard no_grad;
  const at::Tensor wire = to_wire(*state_, kOperation, x);
  compare_calls(*state_, {kOperation, static_cast<int64_t>(op)}, wire, wire.sizes());
  count_traffic(*state_, &Traffic::all_reduce, 2 * bytes_of(wire) * (size() - 1) / size());
  c10d::AllreduceOptions options;
  options.reduceOp = c10d_op(op);
  return Pending(start_op(state_, kOperation, wire, x, x.device(), [&](c10d::Backend& backend) {
    std::vector<at::Tensor> tensors{wire};
    return backend.allreduce(tensors, options);
  }));
}

at::Tensor Group::all_gather(const at::Tensor& x, std::span<const int64_t> counts) const {
  return all_gather_async(x, counts).wait();
}

at::Tensor Group::all_gather(const at::Tensor& x) const {
  check_rows("all_gather", x);
  return all_gather(x, gather_counts(x.size(0)));
}

Pending Group::all_gather_async(const at::Tensor& x, std::span<const int64_t> counts) const {
  constexpr const char* kOperation = "all_gather";
  check_rows(kOperation, x);
  state_->members.context->check(kOperation);
  check_counts(*this, kOperation, counts, x.size(0),
               counts.empty() ? -1 : counts[static_cast<size_t>(rank())]);
  const at::NoGradGuard no_grad;
  if (size() == 1) return Pending(completed_op(x.detach().contiguous()));
  const at::Tensor wire = to_wire(*state_, kOperation, x);
  at::Tensor all = at::empty(with_rows(wire, sum_of(counts)), wire.options());
  compare_calls(*state_, {kOperation, sum_of(counts)}, wire, wire.sizes().slice(1));
  if (all.numel() == 0) return Pending(completed_op(all.to(x.device())));
  count_traffic(*state_, &Traffic::all_gather, bytes_of(wire) * (size() - 1));
  return Pending(start_op(state_, kOperation, all, at::Tensor(), x.device(), [&](c10d::Backend& backend) {
    std::vector<at::Tensor> inputs{wire};
    if (all_equal(counts)) return backend._allgather_base(all, inputs.front());
    std::vector<std::vector<at::Tensor>> outputs{rows_of_ranks(all, counts)};
    return backend.allgather(outputs, inputs);
  }));
}

std::vector<int64_t> Group::gather_counts(int64_t count) const {
  const at::Tensor mine = at::full({1}, count, at::kLong);
  const std::vector<int64_t> ones(static_cast<size_t>(size()), 1);
  const at::Tensor all = all_gather(mine, ones);
  return {all.const_data_ptr<int64_t>(), all.const_data_ptr<int64_t>() + size()};
}

at::Tensor Group::reduce_scatter(const at::Tensor& x, std::span<const int64_t> counts) const {
  constexpr const char* kOperation = "reduce_scatter";
  check_rows(kOperation, x);
  state_->members.context->check(kOperation);
  check_counts(*this, kOperation, counts, x.size(0), sum_of(counts));
  const at::NoGradGuard no_grad;
  if (size() == 1) return x.detach().contiguous();
  const at::Tensor wire = to_wire(*state_, kOperation, x);
  at::Tensor own = at::empty(with_rows(wire, counts[static_cast<size_t>(rank())]), wire.options());
  compare_calls(*state_, {kOperation, 0}, wire, wire.sizes());
  if (wire.numel() == 0) return own.to(x.device());
  count_traffic(*state_, &Traffic::reduce_scatter, bytes_of(wire) - bytes_of(own));
  const auto op = start_op(state_, kOperation, own, at::Tensor(), x.device(), [&](c10d::Backend& backend) {
    std::vector<at::Tensor> outputs{own};
    at::Tensor input = wire;
    if (all_equal(counts)) return backend._reduce_scatter_base(outputs.front(), input);
    std::vector<std::vector<at::Tensor>> inputs{rows_of_ranks(wire, counts)};
    return backend.reduce_scatter(outputs, inputs);
  });
  return wait_for_op(*op);
}

void Group::broadcast(at::Tensor& x, int root) const {
  constexpr const char* kOperation = "broadcast";
  state_->members.context->check(kOperation);
  check_rank(*this, kOperation, root);
  if (size() == 1 || x.numel() == 0) return;
  const at::NoGradGuard no_grad;
  const at::Tensor wire = to_wire(*state_, kOperation, x);
  compare_calls(*state_, {kOperation, root}, wire, wire.sizes());
  count_traffic(*state_, &Traffic::broadcast, rank() == root ? bytes_of(wire) : 0);
  const auto op = start_op(state_, kOperation, wire, x, x.device(), [&](c10d::Backend& backend) {
    std::vector<at::Tensor> tensors{wire};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    return backend.broadcast(tensors, options);
  });
  wait_for_op(*op);
}

std::string Group::broadcast_text(const std::string& text, int root) const {
  at::Tensor length = at::full({1}, static_cast<int64_t>(text.size()), at::kLong);
  broadcast(length, root);
  at::Tensor bytes = at::empty({length.item<int64_t>()}, at::kByte);
  if (rank() == root) std::copy(text.begin(), text.end(), bytes.mutable_data_ptr<uint8_t>());
  broadcast(bytes, root);
  return {bytes.const_data_ptr<uint8_t>(), bytes.const_data_ptr<uint8_t>() + bytes.numel()};
}

at::Tensor Group::send_recv(const at::Tensor& x, int to, std::span<const int64_t> shape, int from) const {
  constexpr const char* kOperation = "send_recv";
  state_->members.context->check(kOperation);
  check_rank(*this, kOperation, to);
  check_rank(*this, kOperation, from);
  const at::NoGradGuard no_grad;
  if (to == rank() && from == rank()) return x.detach().contiguous();
  const at::Tensor wire = to_wire(*state_, kOperation, x);
  const at::Tensor received = at::empty(at::IntArrayRef(shape.data(), shape.size()), wire.options());
  count_traffic(*state_, &Traffic::send_recv, bytes_of(wire));
  const bool coalesced = wire.is_cuda();  // one NCCL launch for both, else rings of ranks wait for each other
  std::shared_ptr<PendingOp> outgoing;
  const auto incoming =
      start_op(state_, kOperation, received, at::Tensor(), x.device(), [&](c10d::Backend& backend) {
        std::vector<at::Tensor> sent{wire}, got{received};
        if (!coalesced) return backend.recv(got, from, 0);
        backend.startCoalescing();
        backend.send(sent, to, 0);
        backend.recv(got, from, 0);
        return backend.endCoalescing();
      });
  if (!coalesced) {
    outgoing = start_op(state_, kOperation, wire, at::Tensor(), x.device(), [&](c10d::Backend& backend) {
      std::vector<at::Tensor> sent{wire};
      return backend.send(sent, to, 0);
    });
    wait_for_op(*outgoing);
  }
  return wait_for_op(*incoming);
}

void Group::barrier() const {
  constexpr const char* kOperation = "barrier";
  state_->members.context->check(kOperation);
  if (size() == 1) return;
  const at::Tensor token = to_wire(*state_, kOperation, at::full({1}, 0, at::kByte));
  compare_calls(*state_, {kOperation, 0}, token, token.sizes());
  count_traffic(*state_, &Traffic::barrier, 1);
  const auto op =
      start_op(state_, kOperation, token, at::Tensor(), token.device(), [&](c10d::Backend& backend) {
        std::vector<at::Tensor> tensors{token};
        return backend.allreduce(tensors);
      });
  wait_for_op(*op);
}

}  // namespace lodestone::distributed
