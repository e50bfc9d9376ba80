#include "distributed/call_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <ATen/ops/empty.h>

#include "distributed/flight.h"

namespace lodestone {

namespace {

constexpr std::array<const char*, 5> kVerbs = {"all_reduce", "all_gather", "reduce_scatter", "broadcast",
                                               "barrier"};
constexpr int64_t kWords = 6;

int64_t index_of(std::string_view verb) {
  return std::find(kVerbs.begin(), kVerbs.end(), verb) - kVerbs.begin();
}

// FNV-1a: the same on every host and compiler, unlike std::hash.
int64_t hash_of(at::IntArrayRef sizes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const int64_t size : sizes) hash = (hash ^ static_cast<uint64_t>(size)) * 0x100000001b3;
  return static_cast<int64_t>(hash);
}

std::string describe(const int64_t* words) {
  const auto verb = static_cast<size_t>(words[0]);
  return std::string(verb < kVerbs.size() ? kVerbs[verb] : "?") + " of " +
         at::toString(static_cast<at::ScalarType>(words[2])) + " at step " + std::to_string(words[1]) +
         " (dimensions " + std::to_string(words[3]) + ", sizes #" + std::to_string(words[4] & 0xffff) +
         ", argument " + std::to_string(words[5]) + ")";
}

}  // namespace

void compare_calls(GroupState& state, const CallSignature& call, const at::Tensor& x,
                   at::IntArrayRef shared_sizes) {
  const Members& members = state.members;
  if (!members.options.compare_calls) return;
  at::Tensor mine = at::empty({1, kWords}, at::kLong);
  const std::array<int64_t, kWords> words = {index_of(call.verb),
                                             members.context->step(),
                                             static_cast<int64_t>(x.scalar_type()),
                                             x.dim(),
                                             hash_of(shared_sizes),
                                             call.argument};
  std::copy(words.begin(), words.end(), mine.mutable_data_ptr<int64_t>());
  mine = mine.to(x.device());
  at::Tensor all = at::empty({members.size(), kWords}, mine.options());
  const auto flight = take_off(state.shared_from_this(), call.verb, all, at::Tensor(), c10::Device(c10::kCPU),
                               [&](c10d::Backend& backend) { return backend._allgather_base(all, mine); });
  const at::Tensor seen = land(*flight);
  const int64_t* first = seen.const_data_ptr<int64_t>();
  for (int rank = 1; rank < members.size(); ++rank) {
    const int64_t* other = first + rank * kWords;
    if (std::equal(other, other + kWords, first)) continue;
    const std::string why = "rank " + std::to_string(members.world_ranks[static_cast<size_t>(rank)]) +
                            " called " + describe(other) + " while rank " +
                            std::to_string(members.world_ranks.front()) + " called " + describe(first) +
                            ": all ranks must make the same calls";
    members.context->fail(why);
    std::rethrow_exception(members.context->error(call.verb, why));
  }
}

}  // namespace lodestone
