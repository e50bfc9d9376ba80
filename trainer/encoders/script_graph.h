#pragma once

#include <map>
#include <set>
#include <string>

namespace torch::jit {
struct Module;
}

namespace lodestone::encoders {

/// Values that a TorchScript module holds as constants but that should follow the run.
struct ScriptConstants {
  /// Layers such as dropout and batch norm that never train, with their number: their `train` is a constant,
  /// as in a trace of eval().
  std::map<std::string, int64_t> never_train;
  /// "cpu", "cuda:0": devices on which the module makes tensors, whatever the run's device
  std::set<std::string> devices;
};

/// Searches forward and all that it calls.
/// Cost      one pass over a copy of the graph
ScriptConstants constants_of(const torch::jit::Module& module);

/// The tensors of the module that a forward pass in training updates: what batch norms and instance norms
/// read as their running statistics, and what operations write in place.
/// Cost      as constants_of
std::set<const void*> updated_tensors(const torch::jit::Module& module);

}  // namespace lodestone::encoders
