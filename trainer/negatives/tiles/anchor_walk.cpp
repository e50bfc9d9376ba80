#include "trainer/negatives/tiles/anchor_walk.h"

#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "trainer/negatives/kernels/measure.h"

namespace lodestone::negatives {

namespace {

at::Tensor within(const at::Tensor& x_t, int64_t first, int64_t size) {
  return at::logical_and(x_t >= first, x_t < first + size);
}

/// The pairs with one end among a block's rows and the other among its references.
struct PairsInBlock {
  at::Tensor row_t, reference_t;  ///< offsets within the parts
  at::Tensor place_t;             ///< indices into the list
};

PairsInBlock pairs_in(const Block& block, const at::Tensor& row_t, int64_t first_row,
                      const at::Tensor& reference_t, int64_t first_reference) {
  const at::Tensor place_t = at::logical_and(within(row_t, first_row, block.rows.size),
                                             within(reference_t, first_reference, block.references.size))
                                 .nonzero()
                                 .select(1, 0);
  return {row_t.index_select(0, place_t) - first_row, reference_t.index_select(0, place_t) - first_reference,
          place_t};
}

}  // namespace

AnchorGradient::AnchorGradient(const distributed::Group& scope, const RowSet& rows, bool partial)
    : scope_(scope), rows_(rows), own_bD_(at::zeros_like(rows.local_rows())) {
  if (partial) all_nD_ = at::zeros_like(rows.u_nD);
}

at::Tensor AnchorGradient::finish() {
  if (all_nD_.defined()) own_bD_.add_(scope_.reduce_scatter(all_nD_, rows_.counts));
  return own_bD_;
}

AnchorWalk::AnchorWalk(const distributed::Group& scope, const std::vector<Member>& members,
                       const std::vector<Relation>& relations)
    : scope_(scope), members_(members), relations_(relations) {
  for (const Relation& relation : relations) {
    walks_.emplace_back(scope, members, relation);
    const Member& references = members[relation.references];
    first_.push_back(references_);
    if (!references.sharded) {
      references_ += references.rows->size();
      continue;
    }
    partial_ = true;
    const std::vector<int64_t> counts = scope.gather_counts(references.rows->size());
    first_.back() += std::accumulate(counts.begin(), counts.begin() + scope.rank(), int64_t{0});
    references_ += std::accumulate(counts.begin(), counts.end(), int64_t{0});
  }
}

void AnchorWalk::run(const std::function<void(const AnchorBlock&)>& visit) {
  auto walk = walks_.begin();
  for (size_t i = 0; i < relations_.size(); ++i, ++walk) {
    const Relation& relation = relations_[i];
    walk->run([&](const Block& block, bool) {
      visit({block, first_[i] + block.references.first, members_[relation.references].sharded,
             relation.same()});
    });
  }
}

at::Tensor AnchorWalk::reference_ids() const {
  std::vector<at::Tensor> ids;
  for (const Relation& relation : relations_) {
    const Member& references = members_[relation.references];
    ids.push_back(references.sharded ? scope_.all_gather(references.rows->id_n) : references.rows->id_n);
  }
  return at::cat(ids);
}

at::Tensor AnchorWalk::values(losses::Measure measure, const NumberedPairs& pairs) {
  at::Tensor value_t = at::zeros({pairs.size()}, rows().u_nD.options().dtype(at::kDouble));
  run([&](const AnchorBlock& e) {
    const PairsInBlock in_block =
        pairs_in(e.block, pairs.row_t, e.block.rows.first, pairs.reference_t, e.first_reference);
    value_t.index_copy_(0, in_block.place_t,
                        pair_values(measure, e.block.rows.u_nD, in_block.row_t, e.block.references.u_nD,
                                    in_block.reference_t));
  });
  return value_t;
}

void AnchorWalk::add_gradient(losses::Measure measure, const NumberedPairs& pairs, const at::Tensor& weight_t,
                              AnchorGradient& gradient) {
  const at::Tensor active_t = weight_t.nonzero().select(1, 0);
  const at::Tensor row_t = pairs.row_t.index_select(0, active_t),
                   reference_t = pairs.reference_t.index_select(0, active_t),
                   active_weight_t = weight_t.index_select(0, active_t);
  run([&](const AnchorBlock& e) {
    const auto add_rows = [&](const PairsInBlock& in_block) {
      add_pair_gradient(measure, active_weight_t.index_select(0, in_block.place_t), e.block.rows.u_nD,
                        in_block.row_t, e.block.references.u_nD, in_block.reference_t, gradient.of(e));
    };
    add_rows(pairs_in(e.block, row_t, e.block.rows.first, reference_t, e.first_reference));
    // The same pairs from their other end: here the anchor is among the references.
    if (e.both_learn) add_rows(pairs_in(e.block, reference_t, e.block.rows.first, row_t, e.first_reference));
  });
}

}  // namespace lodestone::negatives
