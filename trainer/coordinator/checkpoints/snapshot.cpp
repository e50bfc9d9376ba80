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

namespace lodestone::coordinator {

namespace {

[[noreturn]] void refuse_place() {
  throw CheckpointError("checkpoint: state.json lacks the position in the data; use another checkpoint");
}

void visit_all(StateVisitor& v, engine::Trainer& trainer, sampler::SamplerLearner* learner) {
  trainer.visit_state(v);
  if (learner != nullptr) learner->visit_state(v);
}

// Earlier versions stored only the number of batches, of their own
// configuration and of the data set of today.
sampler::Place place_of_batches(const Checkpoint& checkpoint, const RunIdentity& identity, int64_t epoch,
                                int64_t position) {
  sampler::Place place = sampler::place_at({epoch, position}, identity.sampler(), identity.order());
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
  return name.empty() ? sampler::SamplerConfig().name() : name;
}

sampler::Place place_of(const distributed::Group& world, const Checkpoint& checkpoint,
                        const RunIdentity& identity) {
  const nlohmann::json& state = checkpoint.snapshot.state;
  const nlohmann::json saved =
      state.is_object() ? state.value("sampler", nlohmann::json()) : nlohmann::json();
  sampler::Place place;
  if (saved.is_object() && saved.contains("rows")) {
    CheckState checking(checkpoint.snapshot);
    place.visit_state(checking);
    RestoreState restoring(world, checkpoint.snapshot);
    place.visit_state(restoring);
    place.order = sampler_of(checkpoint);
    place.same_samples = identity.has_samples_of(checkpoint);
  } else {
    const auto number = [&saved](const char* name) {
      const auto found = saved.find(name);
      return found != saved.end() && found->is_number_integer() ? found->get<int64_t>() : -1;
    };
    const int64_t epoch = number("epoch"), position = number("position");
    if (epoch < 0 || position < 0) refuse_place();
    place = place_of_batches(checkpoint, identity, epoch, position);
  }
  if (place.epoch < 0 || place.rows < 0 || place.global_batch < 1 || place.batches_per_epoch < 0 ||
      place.stride < 1)
    refuse_place();
  return place;
}

// {group: {tensor: [dtype, shape]}}
nlohmann::json shapes_of(const Snapshot& snapshot, const StateGroups& used) {
  nlohmann::json groups = nlohmann::json::object();
  for (const auto& [group, tensors] : snapshot.tensors) {
    if (!used.all.contains(group)) continue;
    auto& shapes = groups[group] = nlohmann::json::object();
    for (const auto& [name, tensor] : tensors)
      shapes[name] = {static_cast<int>(tensor.scalar_type()), tensor.sizes().vec()};
  }
  return groups;
}

// Tensors to be overwritten; for sharded groups placeholders with the shape and a single element.
Snapshot shaped_as(const nlohmann::json& groups, const StateGroups& used) {
  Snapshot snapshot;
  for (const auto& [group, shapes] : groups.items()) {
    auto& tensors = snapshot.tensors[group];
    for (const auto& [name, described] : shapes.items()) {
      const auto dtype = static_cast<at::ScalarType>(described[0].get<int>());
      const auto shape = described[1].get<std::vector<int64_t>>();
      tensors[name] = used.sharded_over_ranks.contains(group) ? at::zeros({}, dtype).expand(shape)
                                                              : at::empty(shape, dtype);
    }
  }
  return snapshot;
}

// The groups that are not used.
std::vector<std::string> check(const Snapshot& snapshot, engine::Trainer& trainer,
                               sampler::SamplerLearner* learner) {
  CheckState checking(snapshot);
  visit_all(checking, trainer, learner);
  checking.finish();
  return checking.unused();
}

// Requires a checked snapshot.
void put_back(const distributed::Group& world, const Snapshot& snapshot, engine::Trainer& trainer) {
  RestoreState restoring(world, snapshot);
  trainer.visit_state(restoring);
}

}  // namespace

Snapshot take_snapshot(const distributed::Group& world, engine::Trainer& trainer, sampler::Cursor cursor,
                       const RunIdentity& identity) {
  Snapshot snapshot;
  SaveState saving(world, snapshot);
  // The sampler is the same on all ranks, and its state may be large.
  visit_all(saving, trainer, world.rank() == 0 ? identity.learner() : nullptr);
  sampler::place_at(cursor, identity.sampler(), identity.order()).visit_state(saving);
  if (world.rank() != 0) return {};
  identity.describe(snapshot);
  return snapshot;
}

Restored restore_snapshot(const distributed::Group& world, const Checkpoint& checkpoint,
                          engine::Trainer& trainer, const RunIdentity& identity) {
  Restored found;
  found.place =
      sampler::find_place(place_of(world, checkpoint, identity), identity.sampler(), identity.order());
  sampler::SamplerLearner* learner = identity.learner();
  found.unused = check(checkpoint.snapshot, trainer, learner);
  if (learner != nullptr) {  // first, since it may refuse what it gets
    RestoreState restoring(world, checkpoint.snapshot);
    learner->visit_state(restoring);
    learner->seek(found.place.cursor);
  }
  put_back(world, checkpoint.snapshot, trainer);
  return found;
}

void restore_training(const distributed::Group& world, const Checkpoint& checkpoint,
                      engine::Trainer& trainer) {
  check(checkpoint.snapshot, trainer, nullptr);
  put_back(world, checkpoint.snapshot, trainer);
}

std::string evaluated_weights(const Snapshot& snapshot) {
  return snapshot.tensors.contains(engine::kAverageGroup) ? engine::kAverageGroup : "model";
}

void restore_weights(const Snapshot& snapshot, encoders::Encoder& encoder) {
  const std::string group = evaluated_weights(snapshot);
  CheckState checking(snapshot);
  encoders::visit_parameters(checking, group, encoder.parameters());
  checking.finish();
  RestoreState restoring(distributed::single_group(), snapshot);
  encoders::visit_parameters(restoring, group, encoder.parameters());
}

std::optional<Checkpoint> share_checkpoint(const distributed::Group& world, std::optional<Checkpoint> found,
                                           engine::Trainer& trainer, sampler::SamplerLearner* learner) {
  if (world.size() == 1) return found;
  StateGroups used;
  visit_all(used, trainer, learner);
  nlohmann::json head;
  if (found)
    head = {{"path", found->path.string()},
            {"step", found->step},
            {"world", found->world},
            {"config", found->config_yaml},
            {"generation", found->generation},
            {"state", found->snapshot.state},
            {"tensors", shapes_of(found->snapshot, used)}};
  head = nlohmann::json::parse(world.broadcast_text(json_text(head)));
  if (head.is_null()) return {};
  if (!found) {
    found = Checkpoint{
        head["path"].get<std::string>(), head["step"], head["world"], head["config"], {}, head["generation"]};
    found->snapshot = shaped_as(head["tensors"], used);
    found->snapshot.state = head["state"];
  }
  for (const auto& [group, tensors] : found->snapshot.tensors)
    if (used.all.contains(group) && !used.sharded_over_ranks.contains(group))
      for (const auto& [name, tensor] : tensors) {
        const at::Tensor bytes = tensor.reshape({-1}).view(at::kByte);
        distributed::scatter_rows(world, bytes, bytes, 0);
      }
  return found;
}

}  // namespace lodestone::coordinator
