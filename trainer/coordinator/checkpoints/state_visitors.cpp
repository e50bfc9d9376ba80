#include "trainer/coordinator/checkpoints/state_visitors.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

#include "common/error.h"
#include "distributed/reductions/row_shards.h"

namespace lodestone::coordinator {

namespace {

constexpr const char* kStatistics = "rank_statistics";
constexpr const char* kRemedy =
    "; resume with the run's own configuration, or start a new run with --resume none";

// Splits a key: "counters.samples" is the entry samples of counters.
nlohmann::json::json_pointer pointer_to(const std::string& name) {
  std::string path = "/" + name;
  std::replace(path.begin(), path.end(), '.', '/');
  return nlohmann::json::json_pointer(path);
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

void check_shape(const std::string& group, const std::string& name, const at::Tensor& saved,
                 at::IntArrayRef shape) {
  if (saved.sizes() != shape)
    throw CheckpointError("checkpoint: expected tensor '" + name + "' in " + group + " of shape " +
                          shape_text(shape) + ", got " + shape_text(saved.sizes()) + kRemedy);
}

}  // namespace

void SaveState::replicated(const std::string& group, const std::string& name, const at::Tensor& live) {
  snapshot_.tensors[group][name] = live;
}

void SaveState::replaceable(const std::string& group, const std::string& name, at::Tensor& value) {
  snapshot_.tensors[group][name] = value;
}

void SaveState::sharded(const std::string& group, const std::string& name, const StateRows& rows) {
  snapshot_.tensors[group][name] =
      rows.shared_out ? distributed::gather_rows(world_, rows.own_nX) : rows.own_nX.cpu();
}

void SaveState::per_rank(const std::string& name, const at::Tensor& own) {
  snapshot_.tensors[kStatistics][name] = world_.all_gather(own.detach().reshape({1, -1}));
}

void SaveState::number(const std::string& group, const std::string& name, int64_t& value) {
  if (group.empty())
    snapshot_.state[pointer_to(name)] = value;
  else
    snapshot_.tensors[group][name] = at::full({1}, value, at::kLong);
}

const at::Tensor& CheckState::expect(const std::string& group, const std::string& name) {
  visited_[group].insert(name);
  const auto tensors = snapshot_.tensors.find(group);
  if (tensors == snapshot_.tensors.end())
    throw CheckpointError("checkpoint: expected a file " + group + ".safetensors, which does not exist" +
                          kRemedy);
  const auto found = tensors->second.find(name);
  if (found == tensors->second.end())
    throw CheckpointError("checkpoint: expected tensor '" + name + "' in " + group +
                          ", which does not exist" + kRemedy);
  return found->second;
}

void CheckState::replicated(const std::string& group, const std::string& name, const at::Tensor& live) {
  check_shape(group, name, expect(group, name), live.sizes());
}

void CheckState::replaceable(const std::string& group, const std::string& name, at::Tensor&) {
  expect(group, name);
}

void CheckState::sharded(const std::string& group, const std::string& name, const StateRows& rows) {
  const at::Tensor& saved = expect(group, name);
  std::vector<int64_t> shape = rows.own_nX.sizes().vec();
  shape[0] = rows.total;
  check_shape(group, name, saved, shape);
  if (saved.scalar_type() != rows.own_nX.scalar_type())
    throw CheckpointError("checkpoint: expected tensor '" + name + "' in " + group + " of type " +
                          c10::toString(rows.own_nX.scalar_type()) + ", got " +
                          c10::toString(saved.scalar_type()) + kRemedy);
}

void CheckState::number(const std::string& group, const std::string& name, int64_t&) {
  if (!group.empty()) {
    const at::Tensor& saved = expect(group, name);
    check_shape(group, name, saved, {1});
    if (saved.scalar_type() == at::kLong) return;
    throw CheckpointError("checkpoint: expected an integer '" + name + "' in " + group + kRemedy);
  }
  const auto& state = snapshot_.state;
  if (!state.contains(pointer_to(name)) || !state.at(pointer_to(name)).is_number_integer())
    throw CheckpointError("checkpoint: expected the number '" + name +
                          "' in state.json, which does not exist; use another checkpoint");
}

void CheckState::finish() const {
  for (const auto& [group, names] : visited_)
    for (const auto& [name, saved] : snapshot_.tensors.at(group))
      if (!names.contains(name))
        throw CheckpointError("checkpoint: " + group + " holds '" + name +
                              "', which the configured run does not have" + kRemedy);
}

std::vector<std::string> CheckState::unused() const {
  std::vector<std::string> groups;
  for (const auto& [group, tensors] : snapshot_.tensors)
    if (!visited_.contains(group) && group != kStatistics) groups.push_back(group);
  return groups;
}

void RestoreState::replicated(const std::string& group, const std::string& name, const at::Tensor& live) {
  at::NoGradGuard no_grad;
  at::Tensor(live).copy_(snapshot_.tensors.at(group).at(name));
}

void RestoreState::replaceable(const std::string& group, const std::string& name, at::Tensor& value) {
  value = snapshot_.tensors.at(group).at(name);
}

void RestoreState::sharded(const std::string& group, const std::string& name, const StateRows& rows) {
  distributed::scatter_rows(world_, snapshot_.tensors.at(group).at(name), rows.own_nX, rows.first);
}

// With another number of ranks, all ranks use rank 0's, as evaluation does.
void RestoreState::per_rank(const std::string& name, const at::Tensor& own) {
  const auto saved = snapshot_.tensors.find(kStatistics);
  if (saved == snapshot_.tensors.end()) return;
  const auto rows = saved->second.find(name);
  if (rows == saved->second.end() || rows->second.dim() != 2 || rows->second.size(0) != world_.size() ||
      rows->second.size(1) != own.numel())
    return;
  at::NoGradGuard no_grad;
  at::Tensor(own).copy_(rows->second.select(0, world_.rank()).reshape(own.sizes()));
}

void RestoreState::number(const std::string& group, const std::string& name, int64_t& value) {
  if (group.empty()) {
    value = snapshot_.state.at(pointer_to(name)).get<int64_t>();
    return;
  }
  // Only rank 0 has the tensors of a sharded group.
  const int64_t saved = snapshot_.tensors.at(group).at(name).item<int64_t>();
  value = std::stoll(world_.broadcast_text(std::to_string(saved)));
}

void StateGroups::replicated(const std::string& group, const std::string&, const at::Tensor&) {
  all.insert(group);
}

void StateGroups::replaceable(const std::string& group, const std::string&, at::Tensor&) {
  all.insert(group);
}

void StateGroups::sharded(const std::string& group, const std::string&, const StateRows&) {
  all.insert(group);
  sharded_over_ranks.insert(group);
}

void StateGroups::per_rank(const std::string&, const at::Tensor&) {
  all.insert(kStatistics);
}

void StateGroups::number(const std::string& group, const std::string&, int64_t&) {
  if (!group.empty()) all.insert(group);
}

}  // namespace lodestone::coordinator
