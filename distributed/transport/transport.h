#pragma once

// Internal to distributed/, since it has c10d types: include it from .cpp files only.

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>

#include "distributed/transport/call.h"
#include "distributed/transport/members.h"

namespace lodestone::distributed {

/// Base class of our own backends: translates c10d's interface, as far as Group and the Reducer use it, to
/// Calls.
class Transport : public c10d::Backend {
 public:
  explicit Transport(Members members)
      : c10d::Backend(members.rank, members.size()), members_(std::move(members)) {}

  /// Accepts the call and returns at once; call.work ends before its deadline whatever the other ranks do.
  virtual void submit(Call call) = 0;
  /// Makes a backend for some of this one's ranks. Collective over those ranks, given by position in this
  /// group.
  virtual c10::intrusive_ptr<Transport> subgroup(Members members, const std::vector<int>& positions) = 0;
  /// Fails all calls in progress, on every rank that this process can reach.
  virtual void abort_calls(const std::string& why) = 0;

  using WorkPtr = c10::intrusive_ptr<c10d::Work>;
  using Tensors = std::vector<at::Tensor>;
  const std::string getBackendName() const override { return "lodestone"; }
  WorkPtr allreduce(Tensors& tensors, const c10d::AllreduceOptions& options) override;
  WorkPtr broadcast(Tensors& tensors, const c10d::BroadcastOptions& options) override;
  WorkPtr allgather(std::vector<Tensors>& outputs, Tensors& inputs,
                    const c10d::AllgatherOptions& options) override;
  WorkPtr _allgather_base(at::Tensor& output, at::Tensor& input,
                          const c10d::AllgatherOptions& options) override;
  WorkPtr reduce_scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                         const c10d::ReduceScatterOptions& options) override;
  WorkPtr _reduce_scatter_base(at::Tensor& output, at::Tensor& input,
                               const c10d::ReduceScatterOptions& options) override;
  WorkPtr send(Tensors& tensors, int destination, int tag) override;
  WorkPtr recv(Tensors& tensors, int source, int tag) override;

 protected:
  const Members members_;

 private:
  WorkPtr begin(Call call);
};

}  // namespace lodestone::distributed
