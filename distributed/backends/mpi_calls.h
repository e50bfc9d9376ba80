#pragma once

#include <mpi.h>

#include "distributed/backends/mpi_engine.h"

namespace lodestone::distributed {

/// Translates a Call to nonblocking MPI calls of at most `max_chunk` elements each. float16 and bfloat16,
/// which MPI does not have, are summed as float32.
/// Throws    Error for a dtype that MPI cannot transfer.
void plan_call(MpiTask& task, const Call& call, MPI_Comm comm, int rank, int64_t max_chunk);

}  // namespace lodestone::distributed
