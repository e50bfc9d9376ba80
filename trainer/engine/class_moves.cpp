#include "trainer/engine/class_moves.h"

#include <algorithm>
#include <unordered_map>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include "trainer/engine/proxies.h"

namespace lodestone::engine {

namespace {

at::Tensor index_of(const std::vector<int64_t>& numbers) {
  return at::from_blob(const_cast<int64_t*>(numbers.data()), {static_cast<int64_t>(numbers.size())},
                       at::kLong)
      .clone();
}

// The indices whose `from` is a class of the checkpoint, and those classes.
std::pair<at::Tensor, at::Tensor> kept(const ClassMoves& moves) {
  std::vector<int64_t> places, sources;
  for (size_t c = 0; c < moves.from.size(); ++c)
    if (moves.from[c] >= 0) {
      places.push_back(static_cast<int64_t>(c));
      sources.push_back(moves.from[c]);
    }
  return {index_of(places), index_of(sources)};
}

bool is_memory(const NamedTensors& memory) {
  const auto find = [&](const char* name, int64_t dims, std::optional<at::ScalarType> type) {
    const auto found = memory.find(name);
    return found != memory.end() && found->second.dim() == dims &&
           (!type || found->second.scalar_type() == *type);
  };
  return find("embedding", 2, {}) && find("key", 2, at::kLong) && find("next", 1, at::kLong) &&
         memory.at("key").size(1) == 4 && memory.at("key").size(0) == memory.at("embedding").size(0) &&
         memory.at("next").size(0) == 1;
}

}  // namespace

ClassMoves::ClassMoves(const std::vector<std::string>& before, const std::vector<std::string>& now)
    : from(now.size(), -1), to(before.size(), -1) {
  std::unordered_map<std::string, std::vector<int64_t>> numbers;  // descending: the lowest is at the end
  for (size_t c = before.size(); c-- > 0;) numbers[before[c]].push_back(static_cast<int64_t>(c));
  for (size_t c = 0; c < now.size(); ++c) {
    const auto found = numbers.find(now[c]);
    if (found == numbers.end() || found->second.empty()) {
      added.push_back(now[c]);
      continue;
    }
    from[c] = found->second.back();
    found->second.pop_back();
    to[static_cast<size_t>(from[c])] = static_cast<int64_t>(c);
    if (from[c] != static_cast<int64_t>(c)) ++moved;
  }
  for (size_t c = 0; c < before.size(); ++c)
    if (to[c] < 0) gone.push_back(before[c]);
}

at::Tensor moved_rows(const at::Tensor& x_cX, const ClassMoves& moves) {
  std::vector<int64_t> shape = x_cX.sizes().vec();
  shape.at(0) = static_cast<int64_t>(moves.from.size());
  at::Tensor moved = at::zeros(shape, x_cX.options());
  const auto [places, sources] = kept(moves);
  if (places.numel() > 0) moved.index_copy_(0, places, x_cX.index_select(0, sources));
  return moved;
}

void move_classes(NamedTensors& tensors, const ClassMoves& moves) {
  for (auto& [name, tensor] : tensors)
    if (tensor.dim() >= 1 && tensor.size(0) == static_cast<int64_t>(moves.to.size()))
      tensor = moved_rows(tensor, moves);
}

void begin_proxies(NamedTensors& proxies, const ClassMoves& moves, const std::vector<uint64_t>& key_c,
                   uint64_t seed) {
  const auto value = proxies.find("value");
  if (value == proxies.end() || value->second.dim() != 2 ||
      value->second.size(0) != static_cast<int64_t>(moves.from.size()))
    return;
  for (size_t c = 0; c < moves.from.size(); ++c)
    if (moves.from[c] < 0)
      value->second.select(0, static_cast<int64_t>(c))
          .copy_(Proxies::initial({&key_c[c], 1}, value->second.size(1), seed).select(0, 0));
}

int64_t relabel_memory(NamedTensors& memory, const RowKeyOf& key_of) {
  if (!is_memory(memory)) return 0;
  const at::Tensor key_n4 = memory.at("key").clone();
  const int64_t size = key_n4.size(0), next = memory.at("next").const_data_ptr<int64_t>()[0];
  const int64_t filled = std::clamp<int64_t>(next, 0, size);
  int64_t* keys = key_n4.mutable_data_ptr<int64_t>();
  std::vector<int64_t> slots;  // slots of the rows that stay, oldest first
  for (int64_t row = next - filled; row < next; ++row) {
    const int64_t slot = row % size;
    int64_t* key = keys + 4 * slot;
    const auto now = key_of(key[0], key[2]);
    if (!now) continue;
    key[0] = now->label;
    key[1] = now->group;
    slots.push_back(slot);
  }
  const auto stay = static_cast<int64_t>(slots.size());
  memory["key"] = key_n4;
  if (stay == filled) return 0;
  for (const char* name : {"embedding", "key"}) {
    const at::Tensor before = memory.at(name);
    memory[name] = at::zeros(before.sizes(), before.options());
    if (stay > 0) memory[name].narrow(0, 0, stay).copy_(before.index_select(0, index_of(slots)));
  }
  memory["next"] = at::empty({1}, at::kLong).fill_(stay);
  return filled - stay;
}

}  // namespace lodestone::engine
