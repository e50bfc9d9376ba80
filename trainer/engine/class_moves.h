#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace lodestone::engine {

/// Matches the classes of a checkpoint with those of a run: equal names are the same class, whatever their
/// numbers.
struct ClassMoves {
  /// A name that occurs several times is matched in order of occurrence.
  ClassMoves(const std::vector<std::string>& before, const std::vector<std::string>& now);

  std::vector<int64_t> from;  ///< for each class of the run: its number in the checkpoint; -1 if it is new
  /// for each class of the checkpoint: its number in the run; -1 if the run lacks it
  std::vector<int64_t> to;
  std::vector<std::string> added;  ///< names of new classes
  std::vector<std::string> gone;   ///< names of classes that the run lacks
  int64_t moved = 0;               ///< number of classes whose number changed

  bool none() const { return moved == 0 && added.empty() && gone.empty(); }
};

using NamedTensors = std::map<std::string, at::Tensor>;

/// The rows of x in the order of the run's classes; zeros for a new class.
/// Shapes    x_cX [classes of the checkpoint, ...] on the CPU; returns [classes of the run, ...]
at::Tensor moved_rows(const at::Tensor& x_cX, const ClassMoves& moves);

/// Reorders the rows of all tensors, such as those of Proxies or the class means of a sampler. A tensor
/// without one row per class of the checkpoint stays as it is; its owner rejects it.
void move_classes(NamedTensors& tensors, const ClassMoves& moves);

/// Gives the proxies of new classes the start that they would have in a fresh run (Proxies::initial), without
/// moments.
void begin_proxies(NamedTensors& proxies, const ClassMoves& moves, const std::vector<uint64_t>& key_c,
                   uint64_t seed);

/// The label and group that a row of a memory has in this run; unset: its class is gone.
struct RowKey {
  int64_t label, group;
};
using RowKeyOf = std::function<std::optional<RowKey>(int64_t label, int64_t id)>;

/// Gives the rows of a memory the labels and groups of this run, and drops rows whose class is gone; the
/// others close the gaps, oldest first. Tensors of another form stay as they are. Returns the number of
/// dropped rows.
int64_t relabel_memory(NamedTensors& memory, const RowKeyOf& key_of);

}  // namespace lodestone::engine
