#pragma once

#include <functional>

#include "trainer/negatives/tiles/tile_walk.h"

namespace lodestone::negatives {

/// A set of rows and its role.
struct Member {
  const RowSet* rows = nullptr;
  bool anchors = true;   ///< its rows have sums over their pairs
  bool learns = true;    ///< its gradient is computed
  bool sharded = false;  ///< other ranks hold other rows
};

/// Two members that are compared: a set with itself, two towers, or the batch with this rank's shard of a
/// memory or of proxies.
struct Relation {
  size_t rows = 0, references = 0;  ///< indices of the members
  bool reference_is_past = false;

  bool same() const { return rows == references; }
};

/// Visits this rank's blocks of a relation, so that over all ranks every pair is visited from each side whose
/// result is wanted:
///   a set with itself   (own × own), (own × others)
///   two towers          (own × own) for both sides, (own × others) for each side
///   a shard             (all rows × shard), for both sides: the rows' results are partial and are summed
///                       over ranks
/// Blocks of others' rows come from the gathered rows, or, collectively, one rank at a time through a ring.
/// `swapped` says that the block's rows are the relation's references. Which pairs are related is determined
/// once and kept for later runs.
class BlockWalk {
 public:
  /// `room`: how many numbers of tiles may be kept from one run to the next, shared with other walks; null:
  /// none.
  BlockWalk(const distributed::Group& scope, const std::vector<Member>& members, const Relation& relation,
            int64_t* room = nullptr)
      : scope_(scope), members_(members), relation_(relation), room_(room) {}
  void run(const std::function<void(const Block&, bool swapped)>& visit);

 private:
  void visit_one(Block& block, bool swapped, const std::function<void(const Block&, bool)>& visit);

  const distributed::Group& scope_;
  const std::vector<Member>& members_;
  const Relation& relation_;
  int64_t* room_;
  /// What is determined once per block.
  struct Known {
    std::shared_ptr<const PairMasks> masks, exchanged_masks;
    std::shared_ptr<KeptTiles> kept;
  };
  std::vector<Known> known_;  ///< one per block
  size_t next_ = 0;
};

}  // namespace lodestone::negatives
