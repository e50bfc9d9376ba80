#pragma once

#include <functional>

#include "trainer/negatives/tiles/tile_walk.h"

namespace lodestone {

/// A set of rows and what it takes part as.
struct Member {
  const RowSet* rows = nullptr;
  bool anchors = true;   ///< has sums over its pairs
  bool learns = true;    ///< its gradient is wanted
  bool sharded = false;  ///< other ranks hold other rows
};

/// Which rows meet which refs: a set with itself, two towers, or the batch with this rank's shard of a memory or of proxies.
struct Relation {
  size_t rows = 0, refs = 0;  ///< which members
  bool ref_is_past = false;

  bool same() const { return rows == refs; }
};

/// Visits this rank's blocks of a relation, so that over all ranks every pair is met from each side whose result is wanted:
///   a set with itself   (own × own), (own × others)
///   two towers          (own × own) for both sides, (own × others) for each side
///   a shard             (all rows × shard), for both sides: the rows' results are partial and add up over ranks
/// Blocks of others' rows come from what was gathered, or one rank at a time through a ring (collective then).
/// `swapped` tells that the block's rows are of the relation's refs. Who is related to whom is found out once and kept for
/// later runs.
class BlockWalk {
 public:
  /// `room`: how many numbers of tiles may be kept from one run to the next, shared with other walks; null for none.
  BlockWalk(const Group& scope, const std::vector<Member>& members, const Relation& relation,
            int64_t* room = nullptr)
      : scope_(scope), members_(members), relation_(relation), room_(room) {}
  void run(const std::function<void(const Block&, bool swapped)>& visit);

 private:
  void visit_one(Block& block, bool swapped, const std::function<void(const Block&, bool)>& visit);

  const Group& scope_;
  const std::vector<Member>& members_;
  const Relation& relation_;
  int64_t* room_;
  /// What is found out about a block once.
  struct Known {
    std::shared_ptr<const Relatives> relatives, exchanged_relatives;
    std::shared_ptr<KeptTiles> kept;
  };
  std::vector<Known> known_;  ///< by block
  size_t next_ = 0;
};

}  // namespace lodestone
