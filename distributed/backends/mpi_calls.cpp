#include "distributed/backends/mpi_calls.h"

#include <algorithm>
#include <climits>

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

#include "common/error.h"

namespace lodestone::distributed {

namespace {

constexpr int kTag = 1;

MPI_Datatype arithmetic_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return MPI_FLOAT;
    case at::kDouble:
      return MPI_DOUBLE;
    case at::kLong:
      return MPI_INT64_T;
    case at::kInt:
      return MPI_INT32_T;
    case at::kShort:
      return MPI_INT16_T;
    case at::kChar:
      return MPI_INT8_T;
    case at::kByte:
    case at::kBool:
      return MPI_UINT8_T;
    default:
      throw Error(std::string("mpi: expected a dtype that MPI can add, got ") + at::toString(type));
  }
}

// For transfers without arithmetic.
MPI_Datatype opaque_type(const at::Tensor& x) {
  switch (x.element_size()) {
    case 1:
      return MPI_BYTE;
    case 2:
      return MPI_UINT16_T;
    case 4:
      return MPI_UINT32_T;
    case 8:
      return MPI_UINT64_T;
    default:
      throw Error(std::string("mpi: expected a dtype of 1, 2, 4 or 8 bytes, got ") +
                  at::toString(x.scalar_type()));
  }
}

MPI_Op mpi_op(c10d::ReduceOp::RedOpType op, at::ScalarType type) {
  if (op == c10d::ReduceOp::MIN) return MPI_MIN;
  if (op == c10d::ReduceOp::MAX) return MPI_MAX;
  if (op == c10d::ReduceOp::SUM) return type == at::kBool ? MPI_MAX : MPI_SUM;
  throw Error("mpi: expected sum, max or min, got c10d reduce op " + std::to_string(op));
}

bool is_narrow(at::ScalarType type) {
  return type == at::kBFloat16 || type == at::kHalf;
}

char* bytes_at(const at::Tensor& x, int64_t element) {
  return static_cast<char*>(x.data_ptr()) + element * static_cast<int64_t>(x.element_size());
}

// Calls piece(first, count) for consecutive pieces of n elements.
template <typename Piece>
void in_pieces(int64_t n, int64_t max_chunk, const Piece& piece) {
  for (int64_t first = 0; first < n; first += max_chunk)
    piece(first, static_cast<int>(std::min(max_chunk, n - first)));
}

MPI_Request& next(std::vector<MPI_Request>& requests) {
  return requests.emplace_back(MPI_REQUEST_NULL);
}

struct Layout {
  std::vector<int> counts, offsets;
  int64_t total = 0;
};

Layout layout_of(const std::vector<at::Tensor>& parts) {
  Layout layout;
  for (const at::Tensor& part : parts) {
    layout.counts.push_back(static_cast<int>(std::min<int64_t>(part.numel(), INT_MAX)));
    layout.offsets.push_back(static_cast<int>(std::min<int64_t>(layout.total, INT_MAX)));
    layout.total += part.numel();
  }
  return layout;
}

// The address of consecutive parts; empty ones have none.
void* start_of(const std::vector<at::Tensor>& parts) {
  for (const at::Tensor& part : parts) {
    if (part.numel() > 0) return part.data_ptr();
  }
  return nullptr;
}

void plan_all_reduce(MpiTask& task, const Call& call, MPI_Comm comm, int64_t max_chunk) {
  const at::Tensor x = call.outputs.front();
  const at::Tensor sum = is_narrow(x.scalar_type()) ? x.to(at::kFloat) : x;
  const MPI_Datatype type = arithmetic_type(sum.scalar_type());
  const MPI_Op op = mpi_op(call.op, sum.scalar_type());
  task.memory = {sum};
  task.start = [=](std::vector<MPI_Request>& requests) {
    in_pieces(sum.numel(), max_chunk, [&](int64_t first, int count) {
      check_mpi(MPI_Iallreduce(MPI_IN_PLACE, bytes_at(sum, first), count, type, op, comm, &next(requests)),
                "MPI_Iallreduce");
    });
  };
  if (!sum.is_same(x)) task.finish = [=] { x.copy_(sum); };
}

void broadcast_pieces(const at::Tensor& x, int root, MPI_Comm comm, int64_t max_chunk,
                      std::vector<MPI_Request>& requests) {
  in_pieces(x.numel(), max_chunk, [&](int64_t first, int count) {
    check_mpi(MPI_Ibcast(bytes_at(x, first), count, opaque_type(x), root, comm, &next(requests)),
              "MPI_Ibcast");
  });
}

void plan_broadcast(MpiTask& task, const Call& call, MPI_Comm comm, int64_t max_chunk) {
  const at::Tensor x = call.outputs.front();
  opaque_type(x);
  task.memory = {x};
  task.start = [=, root = call.peer](std::vector<MPI_Request>& requests) {
    broadcast_pieces(x, root, comm, max_chunk, requests);
  };
}

// One MPI_Iallgatherv if MPI's int offsets suffice, else one broadcast per rank.
void plan_all_gather(MpiTask& task, const Call& call, MPI_Comm comm, int rank, int64_t max_chunk) {
  const at::Tensor own = call.inputs.front();
  const std::vector<at::Tensor> all = call.outputs;
  auto layout = std::make_shared<Layout>(layout_of(all));
  const MPI_Datatype type = opaque_type(own);
  task.memory = all;
  task.memory.push_back(own);
  if (layout->total <= max_chunk) {
    task.start = [=](std::vector<MPI_Request>& requests) {
      check_mpi(MPI_Iallgatherv(own.data_ptr(), static_cast<int>(own.numel()), type, start_of(all),
                                layout->counts.data(), layout->offsets.data(), type, comm, &next(requests)),
                "MPI_Iallgatherv");
    };
    // The request reads the counts until it has completed.
    task.finish = [layout] {};
    return;
  }
  task.start = [=](std::vector<MPI_Request>& requests) {
    all[static_cast<size_t>(rank)].view({-1}).copy_(own.view({-1}));
    for (size_t r = 0; r < all.size(); ++r) {
      broadcast_pieces(all[r], static_cast<int>(r), comm, max_chunk, requests);
    }
  };
}

void plan_reduce_scatter(MpiTask& task, const Call& call, MPI_Comm comm, int rank, int64_t max_chunk) {
  const at::Tensor out = call.outputs.front();
  std::vector<at::Tensor> parts = call.inputs;
  at::Tensor own = out;
  if (is_narrow(out.scalar_type())) {
    for (at::Tensor& part : parts) part = part.view({-1});
    const at::Tensor wide = at::cat(parts).to(at::kFloat);
    int64_t first = 0;
    for (at::Tensor& part : parts) {
      part = wide.narrow(0, first, part.numel());
      first += part.numel();
    }
    own = at::empty(out.sizes(), out.options().dtype(at::kFloat));
    task.finish = [=] { out.copy_(own); };
  }
  auto layout = std::make_shared<Layout>(layout_of(parts));
  const MPI_Datatype type = arithmetic_type(own.scalar_type());
  const MPI_Op op = mpi_op(call.op, own.scalar_type());
  task.memory = parts;
  task.memory.push_back(own);
  const bool small = layout->total <= max_chunk;
  task.start = [=](std::vector<MPI_Request>& requests) {
    if (small) {
      check_mpi(MPI_Ireduce_scatter(start_of(parts), own.data_ptr(), layout->counts.data(), type, op, comm,
                                    &next(requests)),
                "MPI_Ireduce_scatter");
      return;
    }
    for (size_t r = 0; r < parts.size(); ++r) {
      in_pieces(parts[r].numel(), max_chunk, [&](int64_t first, int count) {
        void* const result = static_cast<int>(r) == rank ? bytes_at(own, first) : nullptr;
        check_mpi(MPI_Ireduce(bytes_at(parts[r], first), result, count, type, op, static_cast<int>(r), comm,
                              &next(requests)),
                  "MPI_Ireduce");
      });
    }
  };
}

void plan_message(MpiTask& task, const Call& call, MPI_Comm comm, int64_t max_chunk) {
  const bool sends = call.kind == c10d::OpType::SEND;
  const at::Tensor x = sends ? call.inputs.front() : call.outputs.front();
  const MPI_Datatype type = opaque_type(x);
  task.memory = {x};
  task.start = [=, peer = call.peer](std::vector<MPI_Request>& requests) {
    in_pieces(x.numel(), max_chunk, [&](int64_t first, int count) {
      if (sends) {
        check_mpi(MPI_Isend(bytes_at(x, first), count, type, peer, kTag, comm, &next(requests)), "MPI_Isend");
      } else {
        check_mpi(MPI_Irecv(bytes_at(x, first), count, type, peer, kTag, comm, &next(requests)), "MPI_Irecv");
      }
    });
  };
}

}  // namespace

void plan_call(MpiTask& task, const Call& call, MPI_Comm comm, int rank, int64_t max_chunk) {
  switch (call.kind) {
    case c10d::OpType::ALLREDUCE:
      return plan_all_reduce(task, call, comm, max_chunk);
    case c10d::OpType::BROADCAST:
      return plan_broadcast(task, call, comm, max_chunk);
    case c10d::OpType::ALLGATHER:
      return plan_all_gather(task, call, comm, rank, max_chunk);
    case c10d::OpType::REDUCE_SCATTER:
      return plan_reduce_scatter(task, call, comm, rank, max_chunk);
    default:
      return plan_message(task, call, comm, max_chunk);
  }
}

}  // namespace lodestone::distributed
