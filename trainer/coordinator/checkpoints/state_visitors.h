#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/state.h"
#include "distributed/group.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::coordinator {

/// Fills a snapshot with handles of the visited tensors; sharded rows are gathered completely on rank 0's
/// CPU.
/// Ranks     collective; only rank 0's snapshot is valid
class SaveState : public StateVisitor {
 public:
  SaveState(distributed::Group world, Snapshot& snapshot) : world_(std::move(world)), snapshot_(snapshot) {}

  void replicated(const std::string& group, const std::string& name, const at::Tensor& live) override;
  void replaceable(const std::string& group, const std::string& name, at::Tensor& value) override;
  void sharded(const std::string& group, const std::string& name, const StateRows& rows) override;
  void per_rank(const std::string& name, const at::Tensor& own) override;
  void number(const std::string& group, const std::string& name, int64_t& value) override;

 private:
  distributed::Group world_;
  Snapshot& snapshot_;
};

/// Checks a snapshot against the visited state before anything is overwritten. Reads only shapes and types.
/// Throws    CheckpointError if an entry is missing or has another shape or type, or if a visited group holds
///           a tensor that was not visited
class CheckState : public StateVisitor {
 public:
  explicit CheckState(const Snapshot& snapshot) : snapshot_(snapshot) {}

  void replicated(const std::string& group, const std::string& name, const at::Tensor& live) override;
  void replaceable(const std::string& group, const std::string& name, at::Tensor& value) override;
  void sharded(const std::string& group, const std::string& name, const StateRows& rows) override;
  void per_rank(const std::string&, const at::Tensor&) override {}
  void number(const std::string& group, const std::string& name, int64_t& value) override;
  /// Call after all state was visited: checks that no tensor of a visited group is left over.
  void finish() const;
  /// Groups of the snapshot that were not visited.
  std::vector<std::string> unused() const;

 private:
  const at::Tensor& expect(const std::string& group, const std::string& name);

  const Snapshot& snapshot_;
  std::map<std::string, std::set<std::string>> visited_;
};

/// Copies a checked snapshot into the visited state. For sharded groups, ranks other than 0 need only shapes
/// and types (scatter_rows). Per-rank state is left unchanged if the snapshot is of another number of ranks.
/// Ranks     collective
class RestoreState : public StateVisitor {
 public:
  RestoreState(distributed::Group world, const Snapshot& snapshot)
      : world_(std::move(world)), snapshot_(snapshot) {}

  void replicated(const std::string& group, const std::string& name, const at::Tensor& live) override;
  void replaceable(const std::string& group, const std::string& name, at::Tensor& value) override;
  void sharded(const std::string& group, const std::string& name, const StateRows& rows) override;
  void per_rank(const std::string& name, const at::Tensor& own) override;
  void number(const std::string& group, const std::string& name, int64_t& value) override;

 private:
  distributed::Group world_;
  const Snapshot& snapshot_;
};

/// Collects the groups that a run's state consists of, and which of them hold rows that are sharded over
/// ranks, so that only rank 0 has all of them.
class StateGroups : public StateVisitor {
 public:
  std::set<std::string> all, sharded_over_ranks;

  void replicated(const std::string& group, const std::string&, const at::Tensor&) override;
  void replaceable(const std::string& group, const std::string&, at::Tensor&) override;
  void sharded(const std::string& group, const std::string&, const StateRows&) override;
  void per_rank(const std::string&, const at::Tensor&) override;
  void number(const std::string& group, const std::string&, int64_t&) override;
};

}  // namespace lodestone::coordinator
