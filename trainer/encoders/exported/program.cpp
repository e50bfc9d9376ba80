#include "trainer/encoders/exported/program.h"

#include <algorithm>
#include <set>

#include <ATen/core/grad_mode.h>
#include <nlohmann/json.hpp>
#include <torch/version.h>

#include "common/json_reader.h"
#include "common/torch_error.h"
#include "trainer/encoders/exported/live_nodes.h"
#include "trainer/encoders/exported/program_tensors.h"
#include "trainer/encoders/exported/reading.h"
#include "trainer/encoders/recompute.h"

namespace lodestone::encoders::exported {

namespace {

using nlohmann::json;

constexpr int64_t kFormat = 8;  // major version of torch/_export/serde/schema.py from PyTorch 2.5 on

void check_version(const ExportFile& file, const json& program) {
  const auto major = program.at("schema_version").at("major").get<int64_t>();
  const std::string torch = program.value("torch_version", "");
  if (major != kFormat)
    throw DataError("exported: expected version " + std::to_string(kFormat) +
                    " of torch.export's format in " + file.file() + ", got " + std::to_string(major) +
                    (torch.empty() ? "" : " (of PyTorch " + torch + ")") +
                    "; export with PyTorch " TORCH_VERSION);
  if (file.has("byteorder") && file.text("byteorder") != "little")
    throw DataError("exported: expected weights of a little-endian machine in " + file.file() +
                    ", got another; export on x86 or ARM");
}

// A buffer is a constant until a node reads it as a running statistic, or the program replaces it.
ParameterRole role_of(bool parameter, bool learned) {
  if (!parameter) return ParameterRole::kConstant;
  return learned ? ParameterRole::kLearned : ParameterRole::kFrozen;
}

}  // namespace

/// Reads the parts of a program in order: inputs, nodes, results.
class Program::Reader {
 public:
  Reader(Program& program, const ExportFile& file, const std::string& name)
      : program_(program), tensors_(read_tensors(file, name)) {}

  void read(const json& module) {
    const json &graph = module.at("graph"), &signature = module.at("signature");
    for (const auto& [name, meta] : graph.at("tensor_values").items())
      reading_.notes.emplace(name, tensor_note(meta));
    for (const json& spec : signature.at("input_specs")) {
      const auto [kind, value] = kind_and_value(spec);
      add_input(kind, *value);
    }
    reading_.names.finish();
    if (program_.inputs_.empty())
      throw DataError(
          "exported: expected a model with inputs, got one without; export forward(pixels) or "
          "forward(tokens, mask)");
    if (!program_.inputs_[0].note.sizes.empty()) reading_.batch = program_.inputs_[0].note.sizes[0];
    for (const json* node : live_nodes(graph, signature)) add_node(Node(*node));
    for (const json& spec : signature.at("output_specs")) {
      const auto [kind, value] = kind_and_value(spec);
      add_output(kind, *value);
    }
    finish();
  }

 private:
  const TensorNote& note_of(const std::string& name) {
    reading_.type_of(name);  // throws if there is none
    return reading_.notes.at(name);
  }

  void add_input(const std::string& kind, const json& spec) {
    if (kind == "user_input") {
      const std::string name = spec.at("arg").at("as_tensor").at("name").get<std::string>();
      program_.inputs_.push_back({name, reading_.names.add(name), note_of(name)});
      return;
    }
    const bool parameter = kind == "parameter";
    if (!parameter && kind != "buffer" && kind != "tensor_constant")
      throw DataError("exported: expected inputs that are tensors, parameters, buffers or constants, got '" +
                      kind + "'; export a model whose forward takes tensors alone");
    const std::string name = spec.at(kind + "_name").get<std::string>();
    const auto found = tensors_.find(name);
    if (found == tensors_.end())
      throw DataError("exported: expected the tensor '" + name +
                      "', which the file lacks; save the program again");
    const Slot slot = reading_.names.add(spec.at("arg").at("name").get<std::string>());
    const StoredTensor& stored = found->second;
    reading_.states.emplace(slot, stored.tensor);
    slot_of_[name] = slot;
    if (c10::isFloatingType(stored.tensor.scalar_type())) adopt(name, parameter, stored);
  }

  // A tensor with two names (tied weights) is one parameter, under the first.
  void adopt(const std::string& name, bool parameter, const StoredTensor& stored) {
    if (!adopted_.insert(stored.tensor.unsafeGetTensorImpl()).second) return;
    const ParameterRole role = role_of(parameter, stored.learned);
    at::Tensor tensor = stored.tensor;
    if (role == ParameterRole::kLearned) tensor.requires_grad_(true);
    program_.parameters_.push_back({name, tensor, /*decays=*/tensor.dim() > 1, role});
  }

  // What batch norms and instance norms read as their statistics.
  void note_statistics(const Node& node) {
    for (const char* argument : {"running_mean", "running_var"}) {
      const json* given = node.argument(argument);
      if (given == nullptr || !given->contains("as_tensor")) continue;
      const auto state =
          reading_.states.find(reading_.names.of(given->at("as_tensor").at("name").get<std::string>()));
      if (state != reading_.states.end()) updated_.insert(state->second.unsafeGetTensorImpl());
    }
  }

  void mark_statistics() {
    for (const Mutation& mutation : program_.mutations_)
      updated_.insert(reading_.states.at(mutation.state).unsafeGetTensorImpl());
    for (Parameter& parameter : program_.parameters_)
      if (parameter.role == ParameterRole::kConstant &&
          updated_.contains(parameter.tensor.unsafeGetTensorImpl()))
        parameter.role = ParameterRole::kRunningStatistic;
  }

  void add_node(const Node& node) {
    note_statistics(node);
    Read read = read_node(node, reading_);
    program_.instructions_.push_back({std::move(read.operation), {}, node.target(), node.module()});
    steps_.push_back({node.module(), std::move(read.reads), std::move(read.results)});
  }

  void add_output(const std::string& kind, const json& spec) {
    if (kind == "user_output") {
      if (!spec.at("arg").contains("as_tensor"))
        throw DataError("exported: expected a model that returns tensors, got " +
                        kind_and_value(spec.at("arg")).first + "; return the embedding alone");
      program_.outputs_.push_back(
          reading_.names.of(spec.at("arg").at("as_tensor").at("name").get<std::string>()));
    } else if (kind == "buffer_mutation") {
      program_.mutations_.push_back({reading_.names.of(spec.at("arg").at("name").get<std::string>()),
                                     state_of(spec.at("buffer_name").get<std::string>())});
    } else {
      throw DataError("exported: expected results that are embeddings or new statistics, got '" + kind +
                      "'; export the model, not a training step");
    }
  }

  Slot state_of(const std::string& name) const {
    const auto slot = slot_of_.find(name);
    if (slot == slot_of_.end())
      throw DataError("exported: expected the buffer '" + name +
                      "' among the inputs, got none; save the program again");
    return slot->second;
  }

  void finish() {
    mark_statistics();
    program_.slots_ = reading_.names.size();
    program_.states_ = std::move(reading_.states);
    program_.exported_in_eval_ = reading_.evaluated > 0 && reading_.trained == 0;
    for (const Parameter& made : reading_.made) program_.parameters_.push_back(made);
    program_.forget_unread(steps_);
    std::vector<Slot> returned = program_.outputs_;
    for (const Mutation& mutation : program_.mutations_) returned.push_back(mutation.value);
    program_.segments_ = segments_of(steps_, returned);
    std::set<Slot> tensors;
    for (const auto& [name, note] : reading_.notes)
      if (reading_.names.has(name)) tensors.insert(reading_.names.of(name));
    // A size that a later instruction reads cannot be a result of a block.
    std::erase_if(program_.segments_, [&](const Segment& segment) {
      return std::ranges::any_of(segment.outputs, [&](Slot slot) { return !tensors.contains(slot); });
    });
  }

  Program& program_;
  std::map<std::string, StoredTensor> tensors_;
  std::map<std::string, Slot> slot_of_;
  std::set<const void*> adopted_;
  std::set<const void*> updated_;  // by forward passes in training
  Reading reading_;
  std::vector<Step> steps_;
};

Program::Program(const ExportFile& file, const std::string& name) : file_(file.file()) {
  const auto program = read_json(file.text("models/" + name + ".json"));
  if (!program)
    throw DataError("exported: expected JSON in models/" + name + ".json of " + file_ +
                    ", got a damaged one; save the program again");
  try {
    check_version(file, *program);
    Reader(*this, file, name).read(program->at("graph_module"));
  } catch (const std::out_of_range&) {
    throw DataError("exported: expected a program as PyTorch " TORCH_VERSION " writes it in " + file_ +
                    ", got a node that lacks arguments; save the program again");
  } catch (const json::exception& error) {
    throw DataError("exported: expected a program as PyTorch " TORCH_VERSION " writes it in " + file_ +
                    ", got another form (" + error.what() + "); export with that version");
  } catch (const c10::Error& error) {  // a schema that LibTorch's own checks refuse
    throw DataError("exported: expected a program as PyTorch " TORCH_VERSION " writes it in " + file_ +
                    ", got another form (" + torch_reason(error) + "); save the program again");
  } catch (const DataError&) {
    std::throw_with_nested(
        DataError("exported: expected a program that can be trained in " + file_ + ", got one that cannot"));
  }
}

// Each value is freed by the instruction that reads it last; results and inputs' states stay.
void Program::forget_unread(const std::vector<Step>& steps) {
  std::set<Slot> kept(outputs_.begin(), outputs_.end());
  for (const Mutation& mutation : mutations_) kept.insert(mutation.value);
  for (size_t i = instructions_.size(); i-- > 0;) {
    for (const Slot slot : steps[i].results)
      if (slot != kNoSlot && kept.insert(slot).second) instructions_[i].last_reads.push_back(slot);
    for (const Slot slot : steps[i].reads)
      if (kept.insert(slot).second) instructions_[i].last_reads.push_back(slot);
  }
}

// A frame with the program's own tensors.
Frame Program::frame(const ForwardMode& mode, c10::Device device) const {
  // All parameters are converted together.
  const bool wide = !parameters_.empty() && parameters_[0].tensor.scalar_type() == at::kDouble;
  Frame made{mode, device, wide ? at::kDouble : at::kFloat, std::vector<c10::IValue>(slots_)};
  for (const auto& [slot, tensor] : states_)
    made[slot] = tensor.device() == device ? tensor : tensor.to(device);
  return made;
}

void Program::run_instructions(Frame& frame, size_t begin, size_t end) const {
  for (size_t i = begin; i < end; ++i) {
    const Instruction& instruction = instructions_[i];
    try {
      instruction.operation->run(frame);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {  // of LibTorch, or of a file that contradicts itself
      throw ConfigError("exported: expected " + file_ + " to run on rows of the configured data, got at " +
                        instruction.target +
                        (instruction.module.empty() ? "" : " of module " + instruction.module) + ": " +
                        torch_reason(error));
    }
    for (const Slot slot : instruction.last_reads) frame[slot] = c10::IValue();
  }
}

// Runs a segment whose activations are forgotten and computed again in the backward pass. What takes no
// gradient (masks, sizes) is held.
void Program::run_again_later(Frame& frame, const Segment& segment) const {
  std::vector<Slot> inputs;
  std::vector<at::Tensor> x, parameters;
  std::vector<std::pair<Slot, c10::IValue>> held;
  for (const Slot slot : segment.inputs) {
    const bool takes_gradient = frame[slot].isTensor() && frame.tensor(slot).requires_grad();
    if (states_.contains(slot)) {
      if (takes_gradient) parameters.push_back(frame.tensor(slot));
    } else if (takes_gradient) {
      inputs.push_back(slot), x.push_back(frame.tensor(slot));
    } else {
      held.emplace_back(slot, frame[slot]);
    }
  }
  if (x.empty()) return run_instructions(frame, segment.begin, segment.end);
  const Blocks block = [this, &segment, inputs, held, device = frame.device](
                           const std::vector<at::Tensor>& values, const ForwardMode& mode) {
    Frame inner = this->frame(mode, device);
    for (const auto& [slot, value] : held) inner[slot] = value;
    for (size_t i = 0; i < inputs.size(); ++i) inner[inputs[i]] = values[i];
    run_instructions(inner, segment.begin, segment.end);
    std::vector<at::Tensor> results;
    for (const Slot slot : segment.outputs) results.push_back(inner.tensor(slot));
    return results;
  };
  const std::vector<at::Tensor> results = run_block(block, x, parameters, frame.mode);
  for (size_t i = segment.begin; i < segment.end; ++i)
    for (const Slot slot : instructions_[i].last_reads) frame[slot] = c10::IValue();
  for (size_t i = 0; i < results.size(); ++i) frame[segment.outputs[i]] = results[i];
}

std::vector<at::Tensor> Program::run(const std::vector<at::Tensor>& inputs, const ForwardMode& mode) const {
  Frame frame = this->frame(mode, inputs.at(0).device());
  for (size_t i = 0; i < inputs_.size(); ++i) frame[inputs_[i].slot] = inputs.at(i);
  size_t done = 0;
  if (mode.recompute && mode.training && at::GradMode::is_enabled())
    for (const Segment& segment : segments_) {
      run_instructions(frame, done, segment.begin);
      run_again_later(frame, segment);
      done = segment.end;
    }
  run_instructions(frame, done, instructions_.size());
  write_mutations(frame);
  std::vector<at::Tensor> results;
  for (const Slot slot : outputs_) results.push_back(frame.tensor(slot));
  return results;
}

bool Program::has_batch_norms() const {
  return std::ranges::any_of(
      parameters_, [](const Parameter& one) { return one.role == ParameterRole::kRunningStatistic; });
}

void Program::write_mutations(const Frame& frame) const {
  if (!frame.updates_statistics()) return;
  const at::NoGradGuard no_grad;
  for (const Mutation& mutation : mutations_)
    frame.tensor(mutation.state).copy_(frame.tensor(mutation.value));
}

}  // namespace lodestone::encoders::exported
