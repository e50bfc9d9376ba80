#include "trainer/commands/state.h"

#include <algorithm>
#include <cstdlib>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "common/json_text.h"
#include "distributed/row_shards.h"
#include "trainer/commands/config_changes.h"

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

int64_t step_of(const Snapshot& snapshot) {
  try {
    return snapshot.state.at("step").get<int64_t>();
  } catch (const nlohmann::json::exception&) {
    std::throw_with_nested(CheckpointError("checkpoint: state.json lacks the step"));
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

// Earlier versions counted batches alone: those of their own configuration, and of the data set of today.
Place place_of_batches(const Checkpoint& checkpoint, const RunIdentity& identity, int64_t epoch,
                       int64_t position) {
  Place place = place_at({epoch, position}, identity.sampler(), identity.order());
  const std::string batch = config_value(checkpoint.config_yaml, "global_batch");
  if (batch.empty() || batch == std::to_string(place.global_batch)) return place;
  place.global_batch = std::max<int64_t>(1, std::strtoll(batch.c_str(), nullptr, 10));
  place.batches_per_epoch = 0;
  place.rows = position * place.global_batch;
  return place;
}

// Where the data says which rows meet, the sampler has no effect and is not kept.
std::string sampler_of(const Checkpoint& checkpoint) {
  const std::string name = config_value(checkpoint.config_yaml, "sampler.name");
  return name.empty() ? SamplerConfig().name : name;
}

Place place_of(const Checkpoint& checkpoint, const RunIdentity& identity) {
  const auto refuse = [] {
    throw CheckpointError("checkpoint: state.json lacks a place in the data; use another checkpoint");
  };
  try {
    const auto& saved = checkpoint.snapshot.state.at("sampler");
    const auto number = [&saved](const char* name) { return saved.at(name).get<int64_t>(); };
    if (number("epoch") < 0 || number("position") < 0) refuse();
    if (!saved.contains("rows"))
      return place_of_batches(checkpoint, identity, number("epoch"), number("position"));
    const Place place{number("epoch"),
                      number("rows"),
                      number("global_batch"),
                      number("batches_per_epoch"),
                      number("stride"),
                      sampler_of(checkpoint),
                      identity.has_samples_of(checkpoint)};
    if (place.rows < 0 || place.global_batch < 1 || place.batches_per_epoch < 0 || place.stride < 1) refuse();
    return place;
  } catch (const nlohmann::json::exception&) {
    refuse();
  }
  return {};
}

nlohmann::json to_json(const Place& place, Cursor cursor) {
  return {{"epoch", place.epoch},
          {"position", cursor.position},
          {"rows", place.rows},
          {"global_batch", place.global_batch},
          {"batches_per_epoch", place.batches_per_epoch},
          {"stride", place.stride}};
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

void check(const Snapshot& snapshot, const Trainer& trainer) {
  for (const auto& [group, live] : trainer.tensors()) check_all(group, group_of(snapshot, group), live);
  trainer.loss_side().check(snapshot.tensors);
  step_of(snapshot);
  counters_of(snapshot);
}

}  // namespace

Snapshot take_snapshot(const Group& world, const Trainer& trainer, Cursor cursor,
                       const RunIdentity& identity) {
  Snapshot snapshot;
  snapshot.tensors = trainer.loss_side().gathered();
  const Tensors statistics = ranks_statistics(world, trainer);
  if (world.rank() != 0) return {};
  for (auto& [group, tensors] : trainer.tensors()) snapshot.tensors[group] = tensors;
  if (!statistics.empty()) snapshot.tensors[kStatistics] = statistics;
  if (const SamplerLearner* learner = identity.learner()) snapshot.tensors[kSampler] = learner->state();
  snapshot.state = {
      {"step", trainer.steps_done()},
      {"sampler", to_json(place_at(cursor, identity.sampler(), identity.order()), cursor)},
      {"counters",
       {{"samples", trainer.counters().samples}, {"non_finite_steps", trainer.counters().non_finite_steps}}}};
  identity.describe(snapshot);
  return snapshot;
}

FoundPlace restore_snapshot(const Group& world, const Checkpoint& checkpoint, Trainer& trainer,
                            const RunIdentity& identity) {
  FoundPlace place = find_place(place_of(checkpoint, identity), identity.sampler(), identity.order());
  check(checkpoint.snapshot, trainer);
  if (SamplerLearner* learner = identity.learner())
    learner->restore(group_of(checkpoint.snapshot, kSampler), place.cursor);
  restore_training(world, checkpoint, trainer);
  return place;
}

void restore_training(const Group& world, const Checkpoint& checkpoint, Trainer& trainer) {
  const Snapshot& snapshot = checkpoint.snapshot;
  check(snapshot, trainer);
  for (const auto& [group, live] : trainer.tensors()) copy_all(group_of(snapshot, group), live);
  trainer.loss_side().restore(world, snapshot.tensors);
  restore_statistics(world, snapshot, trainer);
  trainer.set_steps_done(step_of(snapshot));
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

void restore_model(const Snapshot& snapshot, const RunConfig& config) {
  check_vocabulary(snapshot, config);
  Encoder& encoder = *config.encoder;
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
  head = nlohmann::json::parse(world.broadcast_text(json_text(head)));
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
