#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace lodestone {

/// Which class of a checkpoint each class of a run is: classes are one if their names are, wherever they
/// stand.
struct ClassMoves {
  /// Names that are there twice are told apart by their order.
  ClassMoves(const std::vector<std::string>& before, const std::vector<std::string>& now);

  std::vector<int64_t> from;  ///< of each of the run's classes: its number in the checkpoint; -1: it is new
  std::vector<int64_t> to;    ///< of each of the checkpoint's: its number in the run; -1: it is gone
  std::vector<std::string> added;  ///< names
  std::vector<std::string> gone;
  int64_t moved = 0;  ///< how many stand elsewhere

  bool none() const { return moved == 0 && added.empty() && gone.empty(); }
};

using NamedTensors = std::map<std::string, at::Tensor>;

/// Row c of the result is that of the same class, and zeros for one that is new.
/// Shapes  x_cX: [classes of the checkpoint, ...] on the CPU; the result: [classes of the run, ...]
at::Tensor moved_rows(const at::Tensor& x_cX, const ClassMoves& moves);

/// Moves the rows of all tensors, as of Proxies::gathered or a sampler's class means. Tensors that do not
/// have a row for each of the checkpoint's classes stay as they are, for their owner to refuse.
void move_classes(NamedTensors& tensors, const ClassMoves& moves);

/// The new classes among moved proxies begin as they would in a fresh run: value_cD by Proxies::initial;
/// without moments.
void begin_proxies(NamedTensors& proxies, const ClassMoves& moves, const std::vector<uint64_t>& key_c,
                   uint64_t seed);

/// What a row of a memory is now; unset: it is of no class any more.
struct RowKey {
  int64_t label, group;
};
using RowKeyOf = std::function<std::optional<RowKey>(int64_t label, int64_t id)>;

/// Gives the rows of a memory (as of Memory::gathered) their labels and groups of today, and drops those that
/// have none: the others move up, oldest first. Returns how many were dropped. Tensors of another form stay
/// as they are.
int64_t relabel_memory(NamedTensors& memory, const RowKeyOf& key_of);

}  // namespace lodestone
