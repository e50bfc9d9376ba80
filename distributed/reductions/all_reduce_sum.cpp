#include "distributed/reductions/all_reduce_sum.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

namespace lodestone::distributed {

namespace {

at::Tensor summed(const Group& group, const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  at::Tensor total = x.detach().clone(at::MemoryFormat::Contiguous);
  group.all_reduce(total);
  return total;
}

class SumBackward : public torch::autograd::Node {
 public:
  explicit SumBackward(Group group) : group_(std::move(group)) {}

  std::string name() const override { return "AllReduceSumBackward"; }

  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override {
    return {summed(group_, gradients.front())};
  }

 private:
  const Group group_;
};

}  // namespace

at::Tensor all_reduce_sum(const Group& group, const at::Tensor& x) {
  if (group.size() == 1) return x;
  at::Tensor total = summed(group, x);
  if (torch::autograd::compute_requires_grad(x)) {
    const std::shared_ptr<SumBackward> backward(new SumBackward(group), torch::autograd::deleteNode);
    backward->set_next_edges(torch::autograd::collect_next_edges(x));
    torch::autograd::set_history(total, backward);
  }
  return total;
}

}  // namespace lodestone::distributed
