#include "distributed/transport/transport.h"

namespace lodestone::distributed {

using c10d::OpType;

namespace {

int64_t bytes_of(const Call& call) {
  int64_t bytes = 0;
  for (const at::Tensor& x : call.outputs.size() > call.inputs.size() ? call.outputs : call.inputs)
    bytes += static_cast<int64_t>(x.nbytes());
  return bytes;
}

}  // namespace

Transport::WorkPtr Transport::begin(Call call) {
  call.work = c10::make_intrusive<RankWork>(members_, call.kind, call.operation, call.outputs);
  const auto work = call.work;
  work->recorded(members_.id, bytes_of(call));
  if (auto why = members_.context->failure()) {
    work->fail(members_.context->error(call.operation, *why));
  } else {
    submit(std::move(call));
  }
  return work;
}

Transport::WorkPtr Transport::allreduce(Tensors& tensors, const c10d::AllreduceOptions& options) {
  return begin({OpType::ALLREDUCE, "all_reduce", options.reduceOp.op_, 0, tensors, tensors, {}});
}

Transport::WorkPtr Transport::broadcast(Tensors& tensors, const c10d::BroadcastOptions& options) {
  return begin({OpType::BROADCAST,
                "broadcast",
                c10d::ReduceOp::SUM,
                static_cast<int>(options.rootRank),
                tensors,
                tensors,
                {}});
}

Transport::WorkPtr Transport::allgather(std::vector<Tensors>& outputs, Tensors& inputs,
                                        const c10d::AllgatherOptions&) {
  return begin({OpType::ALLGATHER, "all_gather", c10d::ReduceOp::SUM, 0, inputs, outputs.front(), {}});
}

Transport::WorkPtr Transport::_allgather_base(at::Tensor& output, at::Tensor& input,
                                              const c10d::AllgatherOptions&) {
  return begin(
      {OpType::ALLGATHER, "all_gather", c10d::ReduceOp::SUM, 0, {input}, output.view({-1}).chunk(size_), {}});
}

Transport::WorkPtr Transport::reduce_scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                                             const c10d::ReduceScatterOptions& options) {
  return begin(
      {OpType::REDUCE_SCATTER, "reduce_scatter", options.reduceOp.op_, 0, inputs.front(), outputs, {}});
}

Transport::WorkPtr Transport::_reduce_scatter_base(at::Tensor& output, at::Tensor& input,
                                                   const c10d::ReduceScatterOptions& options) {
  return begin({OpType::REDUCE_SCATTER,
                "reduce_scatter",
                options.reduceOp.op_,
                0,
                input.view({-1}).chunk(size_),
                {output},
                {}});
}

Transport::WorkPtr Transport::send(Tensors& tensors, int destination, int) {
  return begin({OpType::SEND, "send_recv", c10d::ReduceOp::SUM, destination, tensors, {}, {}});
}

Transport::WorkPtr Transport::recv(Tensors& tensors, int source, int) {
  return begin({OpType::RECV, "send_recv", c10d::ReduceOp::SUM, source, {}, tensors, {}});
}

}  // namespace lodestone::distributed
