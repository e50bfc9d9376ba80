#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace lodestone {

/// This rank's rows of a tensor that is divided among the ranks.
struct StateRows {
  at::Tensor own_nX;  ///< rows [first, first + n)
  int64_t first = 0;
  int64_t total = 0;        ///< rows on all ranks
  bool shared_out = false;  ///< false: every rank has all rows
};

/// Visits everything that a checkpoint holds of an object. The object lists it once, in
/// `visit_state(StateVisitor&)`; saving, checking and restoring are visitors of that list. A group is a file
/// of the checkpoint. Tensors are handles: a visitor may copy into them.
///
///     struct Average {
///       at::Tensor weight;
///       int64_t updates = 0;
///       void visit_state(StateVisitor& v) {
///         v.replicated("ema", "weight", weight);
///         v.number("ema", "updates", updates);
///       }
///     };
///
/// Ranks     visitors may be collective: all ranks list the same items in the same order.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  /// A tensor that is equal on all ranks.
  virtual void replicated(const std::string& group, const std::string& name, const at::Tensor& live) = 0;
  /// A tensor that is equal on all ranks and whose shape the state decides. A visitor may replace it; the
  /// object then takes it over, or throws CheckpointError if it does not fit.
  virtual void replaceable(const std::string& group, const std::string& name, at::Tensor& value) = 0;
  /// A tensor whose rows are divided among the ranks, in rank order. It is saved as a whole.
  virtual void sharded(const std::string& group, const std::string& name, const StateRows& rows) = 0;
  /// A tensor that differs from rank to rank. A run on another number of ranks resumes without it.
  virtual void per_rank(const std::string& name, const at::Tensor& own) = 0;
  /// A number that is equal on all ranks. With an empty group it is stored in state.json, where "a.b" is
  /// member b of a.
  virtual void number(const std::string& group, const std::string& name, int64_t& value) = 0;
};

}  // namespace lodestone
