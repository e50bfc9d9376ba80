#pragma once

#include <functional>
#include <list>

#include "trainer/negatives/tiles/relation.h"

// Shapes: b own rows, n rows of the batch, t pairs.

namespace lodestone {

/// Pairs of a row of the batch and a numbered ref; int64 [t]. A ref of -1 is none.
struct NumberedPairs {
  at::Tensor row_t, ref_t;

  int64_t size() const { return row_t.size(0); }
};

/// A block as seen by anchors.
struct Encounter {
  const Block& block;
  int64_t first_ref;  ///< number of the block's first ref
  bool partial;       ///< other ranks meet the same rows with other refs: results add up over ranks
  bool both_learn;    ///< refs are rows of the batch too
};

/// What is added up for the rows of the batch: own rows, and those of all ranks with the refs that are only here.
class AnchorGradient {
 public:
  AnchorGradient(const Group& scope, const RowSet& rows, bool partial);
  at::Tensor& of(const Encounter& encounter) { return encounter.partial ? all_nD_ : own_bD_; }
  /// dL/du of own rows. Collective: with partial results a reduce-scatter of n·D.
  at::Tensor finish();

 private:
  const Group& scope_;
  const RowSet& rows_;
  at::Tensor own_bD_, all_nD_;
};

/// The rows of the batch as anchors, and all that they meet, refs numbered through: first the batch (or the rows of a momentum
/// encoder that stand in for it), then the memory, shard after shard in rank order.
/// Ranks     construction is collective where there is a shard, and so are all walks in a ring
class AnchorWalk {
 public:
  /// Member 0 is the batch and the rows of every relation. References stay with the caller.
  AnchorWalk(const Group& scope, const std::vector<Member>& members, const std::vector<Relation>& relations);

  void run(const std::function<void(const Encounter&)>& visit);

  const Group& scope() const { return scope_; }
  const RowSet& rows() const { return *members_.front().rows; }
  /// Does any relation meet shards, so that results are partial?
  bool partial() const { return partial_; }
  int64_t refs() const { return refs_; }
  /// Sample ids by number; collective where there is a shard.
  at::Tensor ref_ids() const;

  /// The measure of those pairs that this rank meets: of its own rows with any ref, and of any row with its own shard. Float64,
  /// 0 for the others.
  at::Tensor values(Measure measure, const NumberedPairs& pairs);
  /// Adds weight · dmeasure/du of those pairs to the rows at both their ends.
  void pull(Measure measure, const NumberedPairs& pairs, const at::Tensor& weight_t,
            AnchorGradient& gradient);

 private:
  const Group& scope_;
  const std::vector<Member>& members_;
  const std::vector<Relation>& relations_;
  std::list<BlockWalk> walks_;
  std::vector<int64_t> first_;  ///< of each relation: the number of its set's first ref
  int64_t refs_ = 0;
  bool partial_ = false;
};

}  // namespace lodestone
