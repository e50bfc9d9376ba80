#include "trainer/negatives/tiles/relation.h"

namespace lodestone::negatives {

namespace {

// The rows [first, first + size) of a set that holds them.
Part held_part(const RowSet& set, int64_t first, int64_t size) {
  const int64_t begin = set.ring ? 0 : first;
  return {&set, first, size, set.u_nD.narrow(0, begin, size),
          set.half_nD.defined() ? set.half_nD.narrow(0, begin, size) : at::Tensor()};
}

Part own_part(const RowSet& set) {
  return held_part(set, set.first, set.local);
}

void for_each_other_part(const distributed::Group& scope, const RowSet& set,
                         const std::function<void(const Part&)>& visit) {
  if (!set.ring) {
    const int64_t end = set.first + set.local;
    if (set.first > 0) visit(held_part(set, 0, set.first));
    if (end < set.size()) visit(held_part(set, end, set.size() - end));
    return;
  }
  const int world = scope.size(), next = (scope.rank() + 1) % world,
            previous = (scope.rank() + world - 1) % world;
  at::Tensor u_nD = set.u_nD.contiguous();
  for (int step = 1; step < world; ++step) {
    const auto owner = static_cast<size_t>((scope.rank() + world - step) % world);
    const int64_t shape[] = {set.counts[owner], u_nD.size(1)};
    u_nD = scope.send_recv(u_nD, next, shape, previous);
    int64_t first = 0;
    for (size_t rank = 0; rank < owner; ++rank) first += set.counts[rank];
    visit({&set, first, set.counts[owner], u_nD,
           set.half_nD.defined() ? u_nD.to(at::kBFloat16) : at::Tensor()});
  }
}

}  // namespace

void BlockWalk::visit_one(Block& block, bool swapped, const std::function<void(const Block&, bool)>& visit) {
  if (next_ == known_.size()) {
    Known& known = known_.emplace_back();
    known.masks = std::make_shared<PairMasks>(block.rows, block.references, relation_.reference_is_past);
    if (block.to_references)
      known.exchanged_masks =
          std::make_shared<PairMasks>(block.references, block.rows, relation_.reference_is_past);
    if (room_) known.kept = std::make_shared<KeptTiles>(KeptTiles{room_, {}, {}, {}});
  }
  const Known& known = known_[next_++];
  block.masks = known.masks;
  block.exchanged_masks = known.exchanged_masks;
  block.kept = known.kept;
  visit(block, swapped);
}

void BlockWalk::run(const std::function<void(const Block&, bool swapped)>& visit) {
  const Member &row_member = members_[relation_.rows], &reference_member = members_[relation_.references];
  const RowSet &rows = *row_member.rows, &references = *reference_member.rows;
  const bool references_matter = !relation_.same() && (reference_member.anchors || reference_member.learns);
  next_ = 0;
  Block block;
  block.references = own_part(references);
  block.to_references = references_matter;
  if (reference_member.sharded) {
    block.rows = held_part(rows, 0, rows.size());
    visit_one(block, false, visit);
    return;
  }
  block.rows = own_part(rows);
  block.square = relation_.same();
  visit_one(block, false, visit);
  block.square = block.to_references = false;
  block.mirrored = relation_.same() || references_matter;
  const auto compare_with_others = [&](const RowSet& mine, const RowSet& theirs, bool swapped) {
    for_each_other_part(scope_, theirs, [&](const Part& others) {
      block.rows = own_part(mine);
      block.references = others;
      visit_one(block, swapped, visit);
    });
  };
  compare_with_others(rows, references, false);
  if (references_matter) compare_with_others(references, rows, true);
}

}  // namespace lodestone::negatives
