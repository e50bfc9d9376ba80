#include <algorithm>
#include <numeric>
#include <set>

#include <ATen/ops/empty.h>

#include "distributed/backends/backend.h"
#include "distributed/backends/local_transports.h"
#include "distributed/backends/nccl.h"
#include "distributed/group.h"
#include "distributed/transport/group_state.h"

namespace lodestone::distributed {

namespace {

// FNV-1a: equal on different hosts, which std::hash need not be.
int64_t hash_of(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char letter : text) hash = (hash ^ letter) * 0x100000001b3;
  return static_cast<int64_t>(hash);
}

struct Choice {
  int64_t color;
  int64_t key;
};

std::vector<Choice> gather_choices(const Group& group, Choice mine) {
  at::Tensor row = at::empty({1, 2}, at::kLong);
  row.mutable_data_ptr<int64_t>()[0] = mine.color;
  row.mutable_data_ptr<int64_t>()[1] = mine.key;
  const std::vector<int64_t> ones(static_cast<size_t>(group.size()), 1);
  const at::Tensor all = group.all_gather(row, ones);
  std::vector<Choice> choices;
  for (int64_t r = 0; r < group.size(); ++r) {
    const int64_t* words = all.const_data_ptr<int64_t>() + 2 * r;
    choices.push_back({words[0], words[1]});
  }
  return choices;
}

// Positions of the ranks that chose `color`, by (key, rank).
std::vector<int> positions_of(const std::vector<Choice>& choices, int64_t color) {
  std::vector<int> positions;
  for (size_t r = 0; r < choices.size(); ++r) {
    if (choices[r].color == color) positions.push_back(static_cast<int>(r));
  }
  std::stable_sort(positions.begin(), positions.end(), [&](int a, int b) {
    return choices[static_cast<size_t>(a)].key < choices[static_cast<size_t>(b)].key;
  });
  return positions;
}

// Equal on all members and different elsewhere: made of the parent, the number of the split, and the colour.
std::string id_of(const GroupState& parent, int64_t split, const std::vector<Choice>& choices,
                  int64_t color) {
  std::set<int64_t> colors;
  for (const Choice& choice : choices) colors.insert(choice.color);
  const auto index = std::distance(colors.begin(), colors.find(color));
  return parent.members.id + "/" + std::to_string(split) + "." + std::to_string(index);
}

}  // namespace

Group Group::split(int64_t color, int64_t key) const {
  GroupState& parent = *state_;
  const std::vector<Choice> choices = gather_choices(*this, {color, key});
  const std::vector<int> positions = positions_of(choices, color);
  auto child = std::make_shared<GroupState>();
  {
    std::scoped_lock lock(parent.mutex);
    child->members.id = id_of(parent, parent.splits++, choices, color);
  }
  child->members.context = parent.members.context;
  child->members.options = parent.members.options;
  for (size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] == rank()) child->members.rank = static_cast<int>(i);
    child->members.world_ranks.push_back(parent.members.world_ranks[static_cast<size_t>(positions[i])]);
  }
  child->local_rank = parent.local_rank;
  child->host = parent.host;
  child->backend = parent.backend;
  child->cuda_index = parent.cuda_index;
  // MPI requires every rank to take part in making the CPU groups, also a rank that ends up alone.
  if (parent.cpu) child->cpu = parent.cpu->subgroup(child->members, positions);
  if (parent.cuda) open_nccl(*child, child->members.id);
  return Group(std::move(child));
}

Group Group::split_by_host() const {
  return split(hash_of(state_->host), rank());
}

Group single_group() {
  auto state = std::make_shared<GroupState>();
  state->members.id = "world";
  state->members.world_ranks = {0};
  state->members.context = std::make_shared<GroupContext>(0, nullptr);
  state->backend = kLocalBackend;
  state->host = "localhost";
  return Group(std::move(state));
}

std::vector<Group> local_groups(int world, const GroupOptions& options) {
  std::vector<int> ranks(static_cast<size_t>(world));
  std::iota(ranks.begin(), ranks.end(), 0);
  std::vector<Members> members;
  for (const int rank : ranks) {
    members.push_back({"world", rank, ranks, std::make_shared<GroupContext>(rank, nullptr), options});
  }
  const auto transports = make_local_transports(members);
  const int per_host = options.ranks_per_host > 0 ? options.ranks_per_host : world;
  std::vector<Group> groups;
  for (const int rank : ranks) {
    auto state = std::make_shared<GroupState>();
    state->members = members[static_cast<size_t>(rank)];
    state->local_rank = rank % per_host;
    state->host = "host" + std::to_string(rank / per_host);
    state->backend = kLocalBackend;
    state->cpu = transports[static_cast<size_t>(rank)];
    groups.emplace_back(std::move(state));
  }
  return groups;
}

}  // namespace lodestone::distributed
