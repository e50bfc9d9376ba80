#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace lodestone {

/// This rank's stretch of a tensor whose rows the ranks share out.
struct StateRows {
  at::Tensor own_nX;  ///< rows [first, first + n)
  int64_t first = 0;
  int64_t total = 0;        ///< rows of all ranks
  bool shared_out = false;  ///< false: this rank holds all of them, as the others do
};

/// Visits all that a checkpoint holds of an object. The object lists it once, in `visit_state(StateVisitor&)`; saving, checking and
/// restoring are visitors of that list. A group is a file of the checkpoint. Tensors are handles: a visitor may copy into them.
///
///     void Average::visit_state(StateVisitor& v) {
///       for (auto& [live, average] : pairs_) v.replicated("ema", live.name, average);
///     }
///
/// Ranks     visitors may be collective: all ranks list the same, in the same order
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  /// A tensor that all ranks hold alike.
  virtual void replicated(const std::string& group, const std::string& name, const at::Tensor& live) = 0;
  /// A tensor whose rows the ranks share out, in rank order. It is saved whole.
  virtual void sharded(const std::string& group, const std::string& name, const StateRows& rows) = 0;
  /// A tensor that each rank keeps of its own. A run on another number of ranks goes on without it.
  virtual void per_rank(const std::string& name, const at::Tensor& own) = 0;
  /// A number that all ranks have alike. Without a group it is in state.json, where "a.b" is b of a.
  virtual void number(const std::string& group, const std::string& name, int64_t& value) = 0;
};

}  // namespace lodestone
