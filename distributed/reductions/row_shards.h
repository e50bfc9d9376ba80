#pragma once

#include <ATen/core/Tensor.h>

#include "distributed/group.h"

namespace lodestone {

/// The rows of all ranks in rank order, whole on rank 0's CPU; undefined on other ranks. Collective.
/// Shapes     own_nX: [n, ...], n of each rank's own; dtype and further dimensions equal on all ranks.
/// Cost       as one all_gather of `own_nX`, in pieces: no rank but 0 holds more than 32 MiB beside its own rows, or one row of
///            each rank where that is more. A group of one rank may return `own_nX` itself.
at::Tensor gather_rows(const Group& group, const at::Tensor& own_nX);

/// Overwrites `own_nX` with rows [first, first + n) of rank 0's `whole_NX`. Collective; ranks' stretches may overlap.
/// Shapes     whole_NX: [N, ...], on the CPU. Ranks other than 0 need its shape and dtype alone: at::Tensor::expand makes such a
///            stand-in from one number.
/// Cost       one broadcast of `whole_NX`, in pieces of 32 MiB, or of one row where that is more; other memory as these.
void scatter_rows(const Group& group, const at::Tensor& whole_NX, at::Tensor own_nX, int64_t first);

}  // namespace lodestone
