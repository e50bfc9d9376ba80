#include "trainer/coordinator/checkpoints/snapshot.h"

#include <algorithm>
#include <cstdlib>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "common/json_text.h"
#include "distributed/reductions/row_shards.h"
#include "sampler/samplers/sampler_config.h"
#include "trainer/coordinator/checkpoints/config_changes.h"
#include "trainer/coordinator/checkpoints/state_visitors.h"
#include "trainer/encoders/parameter_state.h"

namespace lodestone {

namespace {

constexpr const char* kSampler = "sampler";

const TensorMap& group_of(const Snapshot& snapshot, const std::string& name) {
  const auto found = snapshot.tensors.find(name);
  if (found == snapshot.tensors.end())
    throw CheckpointError("checkpoint: expected a file " + name + ".safetensors");
  return found->second;
}

// Earlier versions stored only the number of batches, of their own
// configuration and of the data set of today.
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

// If the data determines the rows of a batch, the sampler has no effect and is not stored.
std::string sampler_of(const Checkpoint& checkpoint) {
  const std::string name = config_value(checkpoint.config_yaml, "sampler.name");
  return name.empty() ? SamplerConfig().name() : name;
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

// Tensors to be overwritten; for sharded groups placeholders with the shape and a single element.
Snapshot shaped_as(const nlohmann::json& groups) {
  Snapshot snapshot;
  for (const auto& [group, shapes] : groups.items()) {
    auto& tensors = snapshot.tensors[group];
    for (const auto& [name, told] : shapes.items()) {
      const auto dtype = static_cast<at::ScalarType>(told[0].get<int>());
      const auto shape = told[1].get<std::vector<int64_t>>();
      tensors[name] = is_sharded_group(group) ? at::zeros({}, dtype).expand(shape) : at::empty(shape, dtype);
    }
  }
  return snapshot;
}

void check(const Snapshot& snapshot, Trainer& trainer) {
  CheckState checking(snapshot);
  trainer.visit_state(checking);
  checking.finish();
}

// Requires a checked snapshot.
void put_back(const Group& world, const Snapshot& snapshot, Trainer& trainer) {
  RestoreState restoring(world, snapshot);
  trainer.visit_state(restoring);
}

}  // namespace

Snapshot take_snapshot(const Group& world, Trainer& trainer, Cursor cursor, const RunIdentity& identity) {
  Snapshot snapshot;
  SaveState saving(world, snapshot);
  trainer.visit_state(saving);
  if (world.rank() != 0) return {};
  if (const SamplerLearner* learner = identity.learner()) snapshot.tensors[kSampler] = learner->state();
  snapshot.state["sampler"] = to_json(place_at(cursor, identity.sampler(), identity.order()), cursor);
  identity.describe(snapshot);
  return snapshot;
}

FoundPlace restore_snapshot(const Group& world, const Checkpoint& checkpoint, Trainer& trainer,
                            const RunIdentity& identity) {
  FoundPlace place = find_place(place_of(checkpoint, identity), identity.sampler(), identity.order());
  check(checkpoint.snapshot, trainer);
  if (SamplerLearner* learner = identity.learner())
    learner->restore(group_of(checkpoint.snapshot, kSampler), place.cursor);
  put_back(world, checkpoint.snapshot, trainer);
  return place;
}

void restore_training(const Group& world, const Checkpoint& checkpoint, Trainer& trainer) {
  check(checkpoint.snapshot, trainer);
  put_back(world, checkpoint.snapshot, trainer);
}

std::vector<std::string> unused_groups(const Snapshot& snapshot, Trainer& trainer,
                                       const SamplerLearner* learner) {
  CheckState checking(snapshot);
  trainer.visit_state(checking);
  std::vector<std::string> unused = checking.unused();
  if (learner != nullptr) std::erase(unused, kSampler);
  return unused;
}

void restore_weights(const Snapshot& snapshot, Encoder& encoder) {
  // The averaged weights, if the run kept them, are the ones that were evaluated.
  const std::string group = snapshot.tensors.contains("ema") ? "ema" : "model";
  CheckState checking(snapshot);
  visit_parameters(checking, group, encoder.parameters());
  checking.finish();
  RestoreState restoring(single_group(), snapshot);
  visit_parameters(restoring, group, encoder.parameters());
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
    if (!is_sharded_group(group))
      for (const auto& [name, tensor] : tensors) {
        const at::Tensor bytes = tensor.reshape({-1}).view(at::kByte);
        scatter_rows(world, bytes, bytes, 0);
      }
  return found;
}

}  // namespace lodestone
