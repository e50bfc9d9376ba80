#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/state.h"
#include "distributed/group.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone {

/// Fills a snapshot with the handles of what it visits; sharded rows are gathered, whole, on rank 0's CPU.
/// Ranks     collective; the snapshot is rank 0's, the others' is to be dropped
class SaveState : public StateVisitor {
 public:
  SaveState(Group world, Snapshot& snapshot) : world_(std::move(world)), snapshot_(snapshot) {}

  void replicated(const std::string& group, const std::string& name, const at::Tensor& live) override;
  void sharded(const std::string& group, const std::string& name, const StateRows& rows) override;
  void per_rank(const std::string& name, const at::Tensor& own) override;
  void number(const std::string& group, const std::string& name, int64_t& value) override;

 private:
  Group world_;
  Snapshot& snapshot_;
};

/// Throws CheckpointError where a snapshot lacks something, has another shape (sharded: or type), or holds a tensor that nobody visited in a
/// group that was: before anything is overwritten. Needs shapes and types alone.
class CheckState : public StateVisitor {
 public:
  explicit CheckState(const Snapshot& snapshot) : snapshot_(snapshot) {}

  void replicated(const std::string& group, const std::string& name, const at::Tensor& live) override;
  void sharded(const std::string& group, const std::string& name, const StateRows& rows) override;
  void per_rank(const std::string&, const at::Tensor&) override {}
  void number(const std::string& group, const std::string& name, int64_t& value) override;
  /// When all were visited.
  void finish() const;
  /// Groups that the snapshot has and nobody visited.
  std::vector<std::string> unused() const;

 private:
  const at::Tensor& expect(const std::string& group, const std::string& name);

  const Snapshot& snapshot_;
  std::map<std::string, std::set<std::string>> visited_;
};

/// Copies a checked snapshot into what it visits. Of sharded groups ranks other than 0 need shapes and types alone (scatter_rows). What
/// ranks keep of their own is left as it is where the snapshot is of another number of ranks.
/// Ranks     collective
class RestoreState : public StateVisitor {
 public:
  RestoreState(Group world, const Snapshot& snapshot) : world_(std::move(world)), snapshot_(snapshot) {}

  void replicated(const std::string& group, const std::string& name, const at::Tensor& live) override;
  void sharded(const std::string& group, const std::string& name, const StateRows& rows) override;
  void per_rank(const std::string& name, const at::Tensor& own) override;
  void number(const std::string& group, const std::string& name, int64_t& value) override;

 private:
  Group world_;
  const Snapshot& snapshot_;
};

/// Whether the rows of this group's tensors are shared out: only rank 0 has them whole.
bool is_sharded_group(const std::string& group);

}  // namespace lodestone
