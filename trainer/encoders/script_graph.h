#pragma once

#include <map>
#include <set>
#include <string>

namespace torch::jit {
struct Module;
}

namespace lodestone {

/// What a TorchScript module holds as constants that should follow the run.
struct ScriptConstants {
  /// Dropout, batch norm and their like that never train, and how often each is there: their `train` is a constant, as in a trace of eval().
  std::map<std::string, int64_t> never_train;
  std::set<std::string>
      devices;  ///< "cpu", "cuda:0": where the module puts tensors whatever the run's device
};

/// Looks through forward and all that it calls. Cost: one pass over a copy of the graph.
ScriptConstants constants_of(const torch::jit::Module& module);

}  // namespace lodestone
