#include "trainer/coordinator/checkpoints/run_identity.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <set>
#include <unordered_map>

#include <ATen/ops/empty.h>

#include "common/files.h"
#include "common/json_text.h"
#include "common/printable.h"
#include "sampler/samplers/sampler_config.h"
#include "sampler/samples_hash.h"
#include "trainer/coordinator/checkpoints/config_changes.h"
#include "trainer/engine/class_moves.h"

namespace lodestone::coordinator {

namespace {

// How many samples stand for the data set, and one in how many must be there when it is resumed.
constexpr size_t kWitnesses = 64, kLeastShare = 10;
constexpr const char* kWitnessKey = "sample_ids";

constexpr const char *kClasses = "classes", *kProxies = "proxies", *kMemory = "memory", *kSampler = "sampler";

std::string hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

// Rows of texts have no class names except their line number, so their texts identify them.
std::vector<std::string> names_of(const sampler::Dataset& dataset, bool named) {
  std::vector<std::string> names(static_cast<size_t>(dataset.classes()));
  if (named) {
    for (size_t c = 0; c < names.size(); ++c) names[c] = dataset.class_name(static_cast<int64_t>(c));
  } else {
    for (int64_t i = 0; i < dataset.size(); ++i)
      names[static_cast<size_t>(dataset.label(i))] += hex(dataset.id(i));
  }
  return names;
}

TensorMap packed(const std::vector<std::string>& names) {
  size_t bytes = 0;
  for (const auto& name : names) bytes += name.size();
  at::Tensor text = at::empty({static_cast<int64_t>(bytes)}, at::kByte),
             ends = at::empty({static_cast<int64_t>(names.size())}, at::kLong);
  auto* next = text.mutable_data_ptr<uint8_t>();
  auto* end = ends.mutable_data_ptr<int64_t>();
  const auto* begin = next;
  for (const auto& name : names) {
    next = std::copy(name.begin(), name.end(), next);
    *end++ = next - begin;
  }
  return {{"text", text}, {"ends", ends}};
}

// nullopt if the checkpoint has no class names.
std::optional<std::vector<std::string>> take_names(Snapshot& snapshot) {
  const auto found = snapshot.tensors.find(kClasses);
  if (found == snapshot.tensors.end()) return {};
  const TensorMap saved = std::move(found->second);
  snapshot.tensors.erase(found);
  const auto text = saved.find("text"), ends = saved.find("ends");
  const auto refuse = [] {
    throw CheckpointError(
        "checkpoint: expected names of classes in classes.safetensors, got tensors of another form; use "
        "another checkpoint");
  };
  if (text == saved.end() || ends == saved.end() || text->second.scalar_type() != at::kByte ||
      ends->second.scalar_type() != at::kLong || text->second.dim() != 1 || ends->second.dim() != 1)
    refuse();
  const at::Tensor bytes = text->second.contiguous(), numbers = ends->second.contiguous();
  const auto* begin = reinterpret_cast<const char*>(bytes.const_data_ptr<uint8_t>());
  std::vector<std::string> names;
  int64_t from = 0;
  for (int64_t c = 0; c < numbers.numel(); ++c) {
    const int64_t to = numbers.const_data_ptr<int64_t>()[c];
    if (to < from || to > bytes.numel()) refuse();
    names.emplace_back(begin + from, static_cast<size_t>(to - from));
    from = to;
  }
  return names;
}

TensorMap* group_in(Snapshot& snapshot, const char* name) {
  const auto found = snapshot.tensors.find(name);
  return found == snapshot.tensors.end() ? nullptr : &found->second;
}

// A value of the state's description of the data; null if it is absent.
nlohmann::json data_in(const Snapshot& snapshot, const char* name) {
  const auto data = snapshot.state.find("data");
  if (data == snapshot.state.end() || !data->is_object()) return {};
  return data->value(name, nlohmann::json());
}

// "3 new (a, b, c)"
std::string counted(const std::vector<std::string>& names, const char* what) {
  constexpr size_t kShown = 5, kLongest = 80;
  std::string text = std::to_string(names.size()) + " " + what + " (";
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i)
    text += (i > 0 ? ", " : "") + printable(names[i].substr(0, kLongest));
  return text + (names.size() > kShown ? ", …)" : ")");
}

std::string sentence_of(const engine::ClassMoves& moves) {
  std::string text = "classes are known by name:";
  if (!moves.gone.empty()) text += " " + counted(moves.gone, "of the checkpoint are gone") + ",";
  if (!moves.added.empty()) text += " " + counted(moves.added, "are new and start from initial values") + ",";
  return text + " " + std::to_string(moves.moved) + " of the others have another number";
}

// The index of each sample by its id.
std::unordered_map<uint64_t, int64_t> samples_by_id(const sampler::Dataset& dataset) {
  std::unordered_map<uint64_t, int64_t> numbers;
  for (int64_t i = 0; i < dataset.size(); ++i) numbers.try_emplace(dataset.id(i), i);
  return numbers;
}

}  // namespace

void check_vocabulary(const Snapshot& snapshot, const std::string& vocabulary, const std::string& file) {
  const auto saved = snapshot.state.find("vocabulary");
  if (saved == snapshot.state.end() || *saved == vocabulary) return;
  throw CheckpointError(
      "checkpoint: expected the vocabulary that the model was trained with, got another in " + file +
      ", whose ids mean other texts; name the original file as data.text.tokenizer.path, or start a new run "
      "with --resume none");
}

std::vector<uint64_t> class_keys(const sampler::Dataset& dataset, bool named) {
  std::vector<uint64_t> keys;
  for (const auto& name : names_of(dataset, named)) keys.push_back(sampler::sample_id(name));
  return keys;
}

bool RunIdentity::labels_are_samples() const {
  return sampler::samples_are_labels(order());
}

// A hash of the ids of all samples in their order.
const std::string& RunIdentity::samples_hash() const {
  if (samples_hash_.empty()) samples_hash_ = hex(lodestone::sampler::samples_hash(*facts_.dataset));
  return samples_hash_;
}

// The samples that stand for all: those with the smallest ids, which are hashes, so that any set has others.
const std::vector<std::string>& RunIdentity::witnesses() const {
  if (!witnesses_.empty()) return witnesses_;
  std::set<uint64_t> smallest;
  const sampler::Dataset& dataset = *facts_.dataset;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const uint64_t id = dataset.id(i);
    if (smallest.size() == kWitnesses && id >= *smallest.rbegin()) continue;
    smallest.insert(id);
    if (smallest.size() > kWitnesses) smallest.erase(std::prev(smallest.end()));
  }
  for (const uint64_t id : smallest) witnesses_.push_back(hex(id));
  return witnesses_;
}

void RunIdentity::check_samples(const Checkpoint& checkpoint) const {
  const nlohmann::json saved = data_in(checkpoint.snapshot, kWitnessKey);
  if (!saved.is_array() || saved.empty() || data_in(checkpoint.snapshot, "hash") == samples_hash()) return;
  std::set<uint64_t> missing;
  for (const auto& id : saved)
    if (id.is_string()) missing.insert(std::strtoull(id.get_ref<const std::string&>().c_str(), nullptr, 16));
  const size_t all = missing.size();
  const sampler::Dataset& dataset = *facts_.dataset;
  for (int64_t i = 0; i < dataset.size(); ++i) missing.erase(dataset.id(i));
  const size_t found = all - missing.size();
  if (found >= 1 && kLeastShare * found >= all) return;
  throw CheckpointError(checkpoint.path.string() + ": expected the data that this run was trained on, got " +
                        "others: of " + std::to_string(all) + " of its samples " +
                        (found == 0 ? "none is" : std::to_string(found) + (found == 1 ? " is" : " are")) +
                        " there now. Name another run_dir, or start a new run with --resume none, which "
                        "moves this one aside; --resume " +
                        checkpoint.path.string() + " continues it with the other data");
}

bool RunIdentity::has_samples_of(const Checkpoint& checkpoint) const {
  const auto hash = data_in(checkpoint.snapshot, "hash");
  const std::string seed = config_value(checkpoint.config_yaml, "seed");
  return (hash.is_null() || hash == samples_hash()) && (seed.empty() || seed == std::to_string(facts_.seed));
}

void RunIdentity::describe(Snapshot& snapshot) const {
  const sampler::Dataset& dataset = *facts_.dataset;
  snapshot.state["data"] = {{"samples", dataset.size()},
                            {"classes", dataset.classes()},
                            {"hash", samples_hash()},
                            {kWitnessKey, witnesses()}};
  if (!facts_.vocabulary.empty()) snapshot.state["vocabulary"] = facts_.vocabulary;
  const auto has = [&](const char* group) { return snapshot.tensors.contains(group); };
  if (!has(kProxies) && !has(kSampler) && (labels_are_samples() || !has(kMemory))) return;
  if (classes_.empty()) classes_ = packed(names_of(dataset, facts_.named_classes));
  snapshot.tensors[kClasses] = classes_;
}

std::vector<std::string> RunIdentity::differences(const Checkpoint& checkpoint) const {
  std::vector<std::string> all = config_changes(checkpoint.config_yaml, facts_.config);
  const sampler::Dataset& dataset = *facts_.dataset;
  for (const auto& [name, now] : {std::pair{"samples", dataset.size()}, {"classes", dataset.classes()}})
    if (const auto before = data_in(checkpoint.snapshot, name); !before.is_null() && before != now)
      all.push_back(std::string(name) + " to train on: " + json_text(before) + " -> " + std::to_string(now));
  if (data_in(checkpoint.snapshot, "samples") == dataset.size() &&
      data_in(checkpoint.snapshot, "hash") != samples_hash())
    all.push_back("samples to train on: as many as before, but not the same in the same order");
  if (all.empty()) return {};
  std::string text = "the run continues with settings or data that differ from the checkpoint's";
  for (size_t i = 0; i < all.size(); ++i) text += (i == 0 ? ": " : "; ") + printable(all[i]);
  return {text};
}

// Moves state that is stored per class. Returns how the classes moved, if they are identified by name.
std::optional<engine::ClassMoves> RunIdentity::align_classes(Snapshot& snapshot, bool by_class,
                                                             std::vector<std::string>& remarks) const {
  const auto before = take_names(snapshot);
  if (!by_class) return {};
  if (!before) {
    remarks.push_back(
        "an earlier version saved this checkpoint, without the names of classes: its classes are assumed to "
        "be the current ones, in the same order");
    return {};
  }
  engine::ClassMoves moves(*before, names_of(*facts_.dataset, facts_.named_classes));
  if (moves.none()) return moves;
  remarks.push_back(sentence_of(moves));
  if (TensorMap* proxies = group_in(snapshot, kProxies)) {
    engine::move_classes(*proxies, moves);
    engine::begin_proxies(*proxies, moves, class_keys(*facts_.dataset, facts_.named_classes), facts_.seed);
  }
  if (TensorMap* learned = group_in(snapshot, kSampler)) engine::move_classes(*learned, moves);
  return moves;
}

// Returns the number of memory rows that were dropped because their class no longer exists.
int64_t RunIdentity::align_memory(TensorMap& memory, const engine::ClassMoves& moves) const {
  const sampler::Dataset& dataset = *facts_.dataset;
  return engine::relabel_memory(memory, [&](int64_t label, int64_t) -> std::optional<engine::RowKey> {
    const bool known = label >= 0 && label < static_cast<int64_t>(moves.to.size());
    const int64_t now = known ? moves.to[static_cast<size_t>(label)] : -1;
    if (now < 0) return {};
    return engine::RowKey{now, dataset.group(now)};
  });
}

// The same for rows identified by their sample, because samples were their own classes or are now.
int64_t RunIdentity::align_memory_by_sample(TensorMap& memory) const {
  const sampler::Dataset& dataset = *facts_.dataset;
  const auto numbers = samples_by_id(dataset);
  return engine::relabel_memory(memory, [&](int64_t, int64_t id) -> std::optional<engine::RowKey> {
    const auto found = numbers.find(static_cast<uint64_t>(id));
    if (found == numbers.end()) return {};
    if (labels_are_samples()) return engine::RowKey{found->second, found->second};
    const int64_t label = dataset.label(found->second);
    return engine::RowKey{label, dataset.group(label)};
  });
}

std::vector<std::string> RunIdentity::align(Checkpoint& checkpoint) const {
  check_vocabulary(checkpoint.snapshot, facts_.vocabulary, facts_.vocabulary_file);
  std::vector<std::string> remarks = differences(checkpoint);
  Snapshot& snapshot = checkpoint.snapshot;
  TensorMap* memory = group_in(snapshot, kMemory);
  const bool were_samples = sampler::samples_are_labels(config_value(checkpoint.config_yaml, "sampler.name"));
  const bool by_class =
      group_in(snapshot, kProxies) || group_in(snapshot, kSampler) || (memory && !were_samples);
  const auto moves = align_classes(snapshot, by_class, remarks);
  if (!memory) return remarks;
  const bool by_sample = were_samples || labels_are_samples();
  int64_t dropped = 0;
  if (!by_sample && moves) dropped = align_memory(*memory, *moves);
  const bool same_samples =
      were_samples && labels_are_samples() && data_in(snapshot, "hash") == samples_hash();
  if (by_sample && !same_samples) dropped = align_memory_by_sample(*memory);
  if (dropped > 0)
    remarks.push_back("memory: " + std::to_string(dropped) + " rows were dropped, whose " +
                      (by_sample ? "samples" : "classes") + " are gone");
  return remarks;
}

}  // namespace lodestone::coordinator
