// Rows of a checkpoint follow their class's name: proxies with moments, rows of a memory, class means.
#include "trainer/engine/class_moves.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/state_handles.h"
#include "trainer/coordinator/checkpoints/state_visitors.h"
#include "training_worlds.h"

namespace lodestone::testing {
using namespace coordinator;
using namespace distributed;
using namespace engine;
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Names = std::vector<std::string>;

TEST(ClassMoves, FollowNames) {
  const Names before = {"a", "b", "c"};
  EXPECT_TRUE(ClassMoves(before, before).none());
  const ClassMoves renamed(before, {"b", "c", "z"});
  EXPECT_THAT(renamed.from, ElementsAre(1, 2, -1));
  EXPECT_THAT(renamed.to, ElementsAre(-1, 0, 1));
  EXPECT_THAT(renamed.added, ElementsAre("z"));
  EXPECT_THAT(renamed.gone, ElementsAre("a"));
  EXPECT_FALSE(renamed.none());
  const ClassMoves first(before, {"A", "a", "b", "c"});
  EXPECT_THAT(first.from, ElementsAre(-1, 0, 1, 2));
  EXPECT_EQ(first.moved, 3);
  const ClassMoves fewer(before, {"a", "c"});
  EXPECT_THAT(fewer.from, ElementsAre(0, 2));
  EXPECT_THAT(fewer.added, IsEmpty());
  const ClassMoves swapped(before, {"b", "a", "c"});
  EXPECT_THAT(swapped.from, ElementsAre(1, 0, 2));
  EXPECT_FALSE(swapped.none());
  const ClassMoves others(before, {"x", "y", "z"});
  EXPECT_THAT(others.from, ElementsAre(-1, -1, -1));
  const ClassMoves twice({"a", "a", "b"}, {"a", "b", "a", "a"});
  EXPECT_THAT(twice.from, ElementsAre(0, 2, 1, -1));
  EXPECT_THAT(ClassMoves({}, {"a"}).from, ElementsAre(-1));
  EXPECT_THAT(ClassMoves({"a"}, {}).to, ElementsAre(-1));
}

TEST(ClassMoves, TakeProxiesAndMomentsAlongAndInitialiseNewOnes) {
  const ClassMoves moves({"a", "b", "c"}, {"b", "new", "a"});
  const std::vector<uint64_t> key_c = {11, 12, 13};
  NamedTensors proxies = {{"value", at::arange(6, at::kFloat).reshape({3, 2})},
                          {"first", at::arange(6, at::kFloat).reshape({3, 2}) + 10},
                          {"steps", integers({1, 2, 3})},
                          {"odd", at::ones({4})}};
  move_classes(proxies, moves);
  begin_proxies(proxies, moves, key_c, 5);
  EXPECT_TRUE(at::equal(proxies["value"][0], at::arange(2, 4, at::kFloat)));
  EXPECT_TRUE(at::equal(proxies["value"][2], at::arange(0, 2, at::kFloat)));
  EXPECT_TRUE(at::equal(proxies["first"][2], at::arange(10, 12, at::kFloat)));
  EXPECT_TRUE(at::equal(proxies["steps"], integers({2, 0, 1})));
  EXPECT_TRUE(at::equal(proxies["odd"], at::ones({4})));
  // As a fresh run would have begun, wherever the class stands.
  const std::vector<int64_t> group_c = {0, 1};
  Proxies fresh(single_group(), at::kCPU, group_c, 2, at::kFloat, 5, {}, {}, {99, 12});
  EXPECT_TRUE(at::equal(proxies["value"][1], state_handles(fresh).at("proxies").at("value")[1]));
  EXPECT_TRUE(at::equal(proxies["first"][1], at::zeros({2})));
}

// Six slots, rows pushed so far; row i has label i % 3, id 100 + i, and the embedding (i, i).
NamedTensors memory_of(int64_t rows) {
  Memory memory(single_group(), at::kCPU, 6, 2, at::kFloat);
  const at::Tensor n = at::arange(rows, at::kLong);
  if (rows > 0)
    memory.push(shard_rows(n.to(at::kFloat).unsqueeze(1).expand({rows, 2}), n % 3, n % 3, n + 100), 4);
  Snapshot saved;
  SaveState saving(single_group(), saved);
  memory.visit_state(saving);
  return saved.tensors.at("memory");
}

// Ids of the rows that a memory of this state holds, in the order in which later rows will push them out.
std::vector<int64_t> ids_by_age(const NamedTensors& state) {
  std::vector<int64_t> ids;
  const int64_t next = state.at("next")[0].item<int64_t>();
  for (int64_t row = std::max<int64_t>(0, next - 6); row < next; ++row) {
    const at::Tensor key = state.at("key")[row % 6];
    EXPECT_EQ(state.at("embedding")[row % 6][1].item<float>(), key[2].item<float>() - 100) << "its own row";
    ids.push_back(key[2].item<int64_t>());
  }
  return ids;
}

TEST(RelabelMemory, DropsRowsOfClassesThatAreGoneAndKeepsTheOrder) {
  for (const int64_t rows : {0, 1, 4, 6, 8, 13}) {
    NamedTensors memory = memory_of(rows);
    const auto whole = ids_by_age(memory);
    std::vector<int64_t> expected;
    for (const int64_t id : whole)
      if ((id - 100) % 3 != 1) expected.push_back(id);
    const int64_t dropped = relabel_memory(memory, [](int64_t label, int64_t) -> std::optional<RowKey> {
      if (label == 1) return {};
      return RowKey{label == 2 ? 0 : 5, 7};
    });
    EXPECT_EQ(dropped, static_cast<int64_t>(whole.size() - expected.size())) << rows;
    EXPECT_EQ(ids_by_age(memory), expected) << rows;
    Memory again(single_group(), at::kCPU, 6, 2, at::kFloat);
    Snapshot saved;
    saved.tensors["memory"] = memory;
    CheckState checking(saved);
    again.visit_state(checking);
    checking.finish();
    RestoreState restoring(single_group(), saved);
    again.visit_state(restoring);
    const RowSet entries = again.entries();
    EXPECT_EQ(entries.size(), static_cast<int64_t>(expected.size()));
    EXPECT_TRUE((entries.group_n == 7).all().item<bool>());
    EXPECT_FALSE((entries.label_n == 2).any().item<bool>());
  }
}

TEST(RelabelMemory, LeavesEveryRowInItsSlotWhereNoneIsDropped) {
  NamedTensors memory = memory_of(8);
  const NamedTensors before = memory_of(8);
  EXPECT_EQ(relabel_memory(memory, [](int64_t label, int64_t) { return RowKey{label, label}; }), 0);
  for (const auto& [name, tensor] : before) EXPECT_TRUE(at::equal(tensor, memory.at(name))) << name;
}

TEST(RelabelMemory, LeavesWhatIsNoMemoryForItsOwnerToRefuse) {
  const auto none = [](int64_t, int64_t) { return std::optional<RowKey>(); };
  for (const char* name : {"embedding", "key", "next"}) {
    NamedTensors memory = memory_of(8);
    memory.erase(name);
    EXPECT_EQ(relabel_memory(memory, none), 0) << name;
    memory[name] = at::ones({3, 3, 3});
    EXPECT_EQ(relabel_memory(memory, none), 0) << name;
  }
}

}  // namespace
}  // namespace lodestone::testing
