#include "trainer/commands/state.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "distributed/row_shards.h"

namespace lodestone {

namespace {

using Tensors = std::map<std::string, at::Tensor>;

constexpr const char *kStatistics = "rank_statistics", *kSampler = "sampler";

void check_all(const std::string& group, const Tensors& saved, const Tensors& live) {
  const std::string remedy = "; resume with the run's own configuration, or start afresh with --resume none";
  for (const auto& [name, target] : live) {
    const auto found = saved.find(name);
    if (found == saved.end())
      throw CheckpointError("checkpoint: expected tensor '" + name + "' in " + group +
                            ", which is not there" + remedy);
    if (found->second.sizes() != target.sizes())
      throw CheckpointError("checkpoint: " + group + " tensor '" + name +
                            "' has another shape than the configured "
                            "encoder's" +
                            remedy);
  }
  for (const auto& [name, value] : saved)
    if (!live.contains(name))
      throw CheckpointError("checkpoint: " + group + " holds '" + name +
                            "', which the configured run has not" + remedy);
}

void copy_all(const Tensors& saved, const Tensors& live) {
  at::NoGradGuard no_grad;
  for (const auto& [name, target] : live) at::Tensor(target).copy_(saved.at(name));
}

const Tensors& group_of(const Snapshot& snapshot, const std::string& name) {
  const auto found = snapshot.tensors.find(name);
  if (found == snapshot.tensors.end())
    throw CheckpointError("checkpoint: expected a file " + name + ".safetensors");
  return found->second;
}

// One row per rank.
Tensors ranks_statistics(const Group& world, const Trainer& trainer) {
  Tensors rows;
  for (const auto& [name, own] : trainer.own_statistics())
    rows[name] = world.all_gather(own.reshape({1, -1}));
  return rows;
}

// Another number of ranks goes on with rank 0's, as evaluation does.
void restore_statistics(const Group& world, const Snapshot& snapshot, const Trainer& trainer) {
  at::NoGradGuard no_grad;
  const auto saved = snapshot.tensors.find(kStatistics);
  if (saved == snapshot.tensors.end()) return;
  for (const auto& [name, own] : trainer.own_statistics()) {
    const auto rows = saved->second.find(name);
    if (rows == saved->second.end() || rows->second.size(0) != world.size() ||
        rows->second.numel() != world.size() * own.numel())
      continue;
    at::Tensor(own).copy_(rows->second.select(0, world.rank()).reshape(own.sizes()));
  }
}

// Steps done, and where in the data.
std::pair<int64_t, Cursor> place_of(const Snapshot& snapshot) {
  try {
    const auto& sampler = snapshot.state.at("sampler");
    return {snapshot.state.at("step").get<int64_t>(),
            {sampler.at("epoch").get<int64_t>(), sampler.at("position").get<int64_t>()}};
  } catch (const nlohmann::json::exception&) {
    std::throw_with_nested(CheckpointError("checkpoint: state.json lacks step or sampler position"));
  }
}

RunCounters counters_of(const Snapshot& snapshot) {
  try {
    const auto& counters = snapshot.state.at("counters");
    return {counters.at("samples").get<int64_t>(), counters.at("non_finite_steps").get<int64_t>()};
  } catch (const nlohmann::json::exception&) {
    std::throw_with_nested(CheckpointError("checkpoint: state.json lacks the run's counters"));
  }
}

// {group: {tensor: [dtype, shape]}}
nlohmann::json shapes_of(const Snapshot& snapshot) {
  nlohmann::json groups = nlohmann::json::object();
  for (const auto& [group, tensors] : snapshot.tensors) {
    auto& shapes = groups[group] = nlohmann::json::object();
    for (const auto& [name, tensor] : tensors)
      shapes[name] = {static_cast<int>(tensor.scalar_type()), tensor.sizes().vec()};
  }
  return groups;
}

// Tensors to be overwritten; of sharded groups stand-ins that have the shape and hold one number.
Snapshot shaped_as(const nlohmann::json& groups) {
  Snapshot snapshot;
  for (const auto& [group, shapes] : groups.items()) {
    auto& tensors = snapshot.tensors[group];
    for (const auto& [name, told] : shapes.items()) {
      const auto dtype = static_cast<at::ScalarType>(told[0].get<int>());
      const auto shape = told[1].get<std::vector<int64_t>>();
      tensors[name] = LossSide::sharded(group) ? at::zeros({}, dtype).expand(shape) : at::empty(shape, dtype);
    }
  }
  return snapshot;
}

}  // namespace

Snapshot take_snapshot(const Group& world, const Trainer& trainer, Cursor cursor,
                       const SamplerLearner* learner) {
  Snapshot snapshot;
  snapshot.tensors = trainer.loss_side().gathered();
  const Tensors statistics = ranks_statistics(world, trainer);
  if (world.rank() != 0) return {};
  for (auto& [group, tensors] : trainer.tensors()) snapshot.tensors[group] = tensors;
  if (!statistics.empty()) snapshot.tensors[kStatistics] = statistics;
  if (learner) snapshot.tensors[kSampler] = learner->state();
  snapshot.state = {
      {"step", trainer.steps_done()},
      {"sampler", {{"epoch", cursor.epoch}, {"position", cursor.position}}},
      {"counters",
       {{"samples", trainer.counters().samples}, {"non_finite_steps", trainer.counters().non_finite_steps}}}};
  return snapshot;
}

Cursor restore_snapshot(const Group& world, const Snapshot& snapshot, Trainer& trainer,
                        SamplerLearner* learner) {
  const auto all = trainer.tensors();
  for (const auto& [group, live] : all) check_all(group, group_of(snapshot, group), live);
  trainer.loss_side().check(snapshot.tensors);
  const auto [step, cursor] = place_of(snapshot);
  counters_of(snapshot);
  if (learner) learner->restore(group_of(snapshot, kSampler));
  for (const auto& [group, live] : all) copy_all(group_of(snapshot, group), live);
  trainer.loss_side().restore(world, snapshot.tensors);
  restore_statistics(world, snapshot, trainer);
  trainer.set_steps_done(step);
  return cursor;
}

std::vector<std::string> unused_groups(const Snapshot& snapshot, const Trainer& trainer,
                                       const SamplerLearner* learner) {
  const auto own = trainer.tensors();
  std::vector<std::string> unused;
  for (const auto& [group, tensors] : snapshot.tensors) {
    const bool sampler = group == kSampler && learner != nullptr;
    if (!own.contains(group) && !trainer.loss_side().has(group) && group != kStatistics && !sampler)
      unused.push_back(group);
  }
  return unused;
}

void restore_counters(const Snapshot& snapshot, Trainer& trainer) {
  trainer.set_counters(counters_of(snapshot));
}

void restore_model(const Snapshot& snapshot, Encoder& encoder) {
  Tensors live;
  for (const auto* list : {&encoder.parameters().learned(), &encoder.parameters().buffers()})
    for (const auto& parameter : *list) live[parameter.name] = parameter.tensor.detach();
  // Averaged weights, where the run kept them, are the ones that were judged.
  const std::string group = snapshot.tensors.contains("ema") ? "ema" : "model";
  check_all(group, group_of(snapshot, group), live);
  copy_all(group_of(snapshot, group), live);
}

std::optional<Checkpoint> share_checkpoint(const Group& world, std::optional<Checkpoint> found) {
  if (world.size() == 1) return found;
  nlohmann::json head;
  if (found)
    head = {{"path", found->path.string()},
            {"step", found->step},
            {"world", found->world},
            {"config", found->config_yaml},
            {"generation", found->generation},
            {"state", found->snapshot.state},
            {"tensors", shapes_of(found->snapshot)}};
  head = nlohmann::json::parse(world.broadcast_text(head.dump()));
  if (head.is_null()) return {};
  if (!found) {
    found = Checkpoint{
        head["path"].get<std::string>(), head["step"], head["world"], head["config"], {}, head["generation"]};
    found->snapshot = shaped_as(head["tensors"]);
    found->snapshot.state = head["state"];
  }
  for (const auto& [group, tensors] : found->snapshot.tensors)
    if (!LossSide::sharded(group))
      for (const auto& [name, tensor] : tensors) {
        const at::Tensor bytes = tensor.reshape({-1}).view(at::kByte);
        scatter_rows(world, bytes, bytes, 0);
      }
  return found;
}

}  // namespace lodestone
