#include "trainer/negatives/tiles/relation.h"

namespace lodestone {

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

void for_each_other_part(const Group& scope, const RowSet& set,
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
    known.relatives = std::make_shared<Relatives>(block.rows, block.refs, relation_.ref_is_past);
    if (block.to_refs)
      known.exchanged_relatives = std::make_shared<Relatives>(block.refs, block.rows, relation_.ref_is_past);
    if (room_) known.kept = std::make_shared<KeptTiles>(KeptTiles{room_, {}, {}, {}});
  }
  const Known& known = known_[next_++];
  block.relatives = known.relatives;
  block.exchanged_relatives = known.exchanged_relatives;
  block.kept = known.kept;
  visit(block, swapped);
}

void BlockWalk::run(const std::function<void(const Block&, bool swapped)>& visit) {
  const Member &row_member = members_[relation_.rows], &ref_member = members_[relation_.refs];
  const RowSet &rows = *row_member.rows, &refs = *ref_member.rows;
  const bool refs_matter = !relation_.same() && (ref_member.anchors || ref_member.learns);
  next_ = 0;
  Block block;
  block.refs = own_part(refs);
  block.to_refs = refs_matter;
  if (ref_member.sharded) {
    block.rows = held_part(rows, 0, rows.size());
    visit_one(block, false, visit);
    return;
  }
  block.rows = own_part(rows);
  block.square = relation_.same();
  visit_one(block, false, visit);
  block.square = block.to_refs = false;
  block.mirrored = relation_.same() || refs_matter;
  const auto meet_others = [&](const RowSet& mine, const RowSet& theirs, bool swapped) {
    for_each_other_part(scope_, theirs, [&](const Part& others) {
      block.rows = own_part(mine);
      block.refs = others;
      visit_one(block, swapped, visit);
    });
  };
  meet_others(rows, refs, false);
  if (refs_matter) meet_others(refs, rows, true);
}

}  // namespace lodestone
