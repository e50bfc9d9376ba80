#pragma once

#include <functional>
#include <list>

#include "trainer/negatives/tiles/relation.h"

// Shapes: b own rows, n rows of the batch, t pairs.

namespace lodestone::negatives {

/// Pairs of a row of the batch and a numbered reference; int64 [t]. A reference of -1 means none.
struct NumberedPairs {
  at::Tensor row_t, reference_t;

  int64_t size() const { return row_t.size(0); }
};

/// A block with the numbers of its references.
struct AnchorBlock {
  const Block& block;
  int64_t first_reference;  ///< number of the block's first reference
  /// other ranks compare the same rows with other references: results must be summed over ranks
  bool partial;
  bool both_learn;  ///< the references are rows of the batch too
};

/// Accumulates gradients of the rows of the batch: of own rows, and of all ranks' rows by references that
/// only this rank holds.
class AnchorGradient {
 public:
  AnchorGradient(const distributed::Group& scope, const RowSet& rows, bool partial);
  at::Tensor& of(const AnchorBlock& anchor_block) { return anchor_block.partial ? all_nD_ : own_bD_; }
  /// Returns dL/du of own rows.
  /// Ranks     collective: with partial results a reduce-scatter of n·D
  at::Tensor finish();

 private:
  const distributed::Group& scope_;
  const RowSet& rows_;
  at::Tensor own_bD_, all_nD_;
};

/// Visits all blocks with the rows of the batch as anchors. References are numbered: first the batch (or the
/// momentum encoder's rows in its place), then the memory, shard after shard in rank order.
/// Ranks     construction is collective if there is a shard; all walks in a ring are
class AnchorWalk {
 public:
  /// Member 0 is the batch and the rows of every relation. The arguments must outlive the object.
  AnchorWalk(const distributed::Group& scope, const std::vector<Member>& members,
             const std::vector<Relation>& relations);

  void run(const std::function<void(const AnchorBlock&)>& visit);

  const distributed::Group& scope() const { return scope_; }
  const RowSet& rows() const { return *members_.front().rows; }
  /// Does any relation have shards, so that results are partial?
  bool partial() const { return partial_; }
  int64_t references() const { return references_; }
  /// Sample ids by number; collective where there is a shard.
  at::Tensor reference_ids() const;

  /// The measure of those pairs that this rank sees: of its own rows with any reference, and of any row with
  /// its own shard. Float64, 0 for the others.
  at::Tensor values(losses::Measure measure, const NumberedPairs& pairs);
  /// Adds weight · dmeasure/du of those pairs to the rows at both their ends.
  void add_gradient(losses::Measure measure, const NumberedPairs& pairs, const at::Tensor& weight_t,
                    AnchorGradient& gradient);

 private:
  const distributed::Group& scope_;
  const std::vector<Member>& members_;
  const std::vector<Relation>& relations_;
  std::list<BlockWalk> walks_;
  std::vector<int64_t> first_;  ///< per relation: the number of its set's first reference
  int64_t references_ = 0;
  bool partial_ = false;
};

}  // namespace lodestone::negatives
