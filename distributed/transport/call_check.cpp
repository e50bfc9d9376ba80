#include "distributed/transport/call_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <ATen/ops/empty.h>

#include "distributed/transport/pending_op.h"

namespace lodestone::distributed {

namespace {

constexpr std::array<const char*, 6> kOperations = {"all_reduce", "all_gather", "reduce_scatter",
                                                    "broadcast",  "barrier",    "gradient_sync"};
constexpr int64_t kWords = 6;  // words that describe a call

int64_t index_of(std::string_view operation) {
  return std::find(kOperations.begin(), kOperations.end(), operation) - kOperations.begin();
}

using Words = std::array<int64_t, kWords>;

// FNV-1a: the same on every host and compiler, unlike std::hash.
int64_t hash_of(at::IntArrayRef words) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const int64_t word : words) hash = (hash ^ static_cast<uint64_t>(word)) * 0x100000001b3;
  return static_cast<int64_t>(hash);
}

std::string describe(const int64_t* words) {
  const auto operation = static_cast<size_t>(words[0]);
  return std::string(operation < kOperations.size() ? kOperations[operation] : "?") + " of " +
         at::toString(static_cast<at::ScalarType>(words[2])) + " at step " + std::to_string(words[1]) +
         " (dimensions " + std::to_string(words[3]) + ", sizes #" + std::to_string(words[4] & 0xffff) +
         ", argument " + std::to_string(words[5]) + ")";
}

// Over MPI if there is any: a GPU's answer would wait for the work queued on its stream.
at::Device wire_of(const GroupState& state, const at::Tensor& x) {
  return state.cpu ? at::Device(at::kCPU) : x.device();
}

at::Tensor tensor_of(at::IntArrayRef words, at::Device device) {
  at::Tensor x = at::empty({static_cast<int64_t>(words.size())}, at::kLong);
  std::copy(words.begin(), words.end(), x.mutable_data_ptr<int64_t>());
  return x.to(device);
}

// Hashes are equal if the largest equals the smallest; the smallest is the complement of the largest
// complement.
bool all_agree(GroupState& state, const char* operation, at::IntArrayRef mine, at::Device device) {
  const int64_t hash = hash_of(mine);
  const at::Tensor extremes = tensor_of({hash, ~hash}, device);
  const auto op = start_op(state.shared_from_this(), operation, extremes, at::Tensor(), at::kCPU,
                           [&](c10d::Backend& backend) {
                             c10d::AllreduceOptions options;
                             options.reduceOp = c10d::ReduceOp::MAX;
                             std::vector<at::Tensor> tensors{extremes};
                             return backend.allreduce(tensors, options);
                           });
  const at::Tensor seen = wait_for_op(*op);
  const int64_t* largest = seen.const_data_ptr<int64_t>();
  return largest[0] == ~largest[1];
}

at::Tensor gather_words(GroupState& state, const char* operation, at::IntArrayRef mine, at::Device device) {
  at::Tensor own = tensor_of(mine, device).unsqueeze(0);
  at::Tensor all = at::empty({state.members.size(), kWords}, own.options());
  const auto op = start_op(state.shared_from_this(), operation, all, at::Tensor(), at::kCPU,
                           [&](c10d::Backend& backend) { return backend._allgather_base(all, own); });
  return wait_for_op(*op);
}

[[noreturn]] void throw_mismatch(GroupState& state, const char* operation, const at::Tensor& calls) {
  const Members& members = state.members;
  const int64_t* first = calls.const_data_ptr<int64_t>();
  std::string why;
  for (int rank = 1; rank < members.size(); ++rank) {
    const int64_t* other = first + rank * kWords;
    if (std::equal(other, other + kWords, first)) continue;
    why += (why.empty() ? "rank " : "; rank ") +
           std::to_string(members.world_ranks[static_cast<size_t>(rank)]) + " called " + describe(other);
  }
  why += " while rank " + std::to_string(members.world_ranks.front()) + " called " + describe(first) +
         ": all ranks must make the same calls";
  members.context->fail(why);
  std::rethrow_exception(members.context->error(operation, why));
}

}  // namespace

void compare_calls(GroupState& state, const CallSignature& call, const at::Tensor& x,
                   at::IntArrayRef shared_sizes) {
  const Members& members = state.members;
  if (!members.options.compare_calls) return;
  const Words mine = {index_of(call.operation),
                      members.context->step(),
                      static_cast<int64_t>(x.scalar_type()),
                      x.dim(),
                      hash_of(shared_sizes),
                      call.argument};
  const at::Device wire = wire_of(state, x);
  if (!all_agree(state, call.operation, mine, wire))
    throw_mismatch(state, call.operation, gather_words(state, call.operation, mine, wire));
}

}  // namespace lodestone::distributed
