#pragma once

#include <ATen/core/Tensor.h>

#include "distributed/group.h"

namespace lodestone::distributed {

/// Gathers the rows of all ranks, in rank order, on rank 0's CPU; undefined on other ranks.
/// Shapes    own_nX: [n, ...], n may differ between ranks; dtype and further dimensions are equal on all
///           ranks.
/// Ranks     collective.
/// Cost      as one all_gather of `own_nX`, in pieces: ranks other than 0 need at most 32 MiB beside their
///           own rows, or one row of each rank if that is more. A group of one rank may return `own_nX`
///           itself.
at::Tensor gather_rows(const Group& group, const at::Tensor& own_nX);

/// Overwrites `own_nX` with rows [first, first + n) of rank 0's `whole_NX`. The rows of different ranks may
/// overlap.
/// Shapes    whole_NX: [N, ...], on the CPU. Other ranks need only its shape and dtype: at::Tensor::expand
///           makes such a tensor from one number.
/// Ranks     collective.
/// Cost      one broadcast of `whole_NX`, in pieces of 32 MiB, or of one row if that is more; memory for one
///           such piece.
void scatter_rows(const Group& group, const at::Tensor& whole_NX, at::Tensor own_nX, int64_t first);

}  // namespace lodestone::distributed
