#pragma once

#include <mpi.h>

#include "distributed/backends/mpi_engine.h"

namespace lodestone {

/// Turns a Call into nonblocking MPI calls of at most `max_chunk` elements each. Throws Error for a dtype
/// that MPI cannot carry. float16 and bfloat16, which MPI does not know, are summed as float32.
void plan_call(MpiTask& task, const Call& call, MPI_Comm comm, int rank, int64_t max_chunk);

}  // namespace lodestone
