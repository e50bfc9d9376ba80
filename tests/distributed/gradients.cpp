// GradientSync and all_reduce_sum against one process that has all rows.

#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "collectives.h"
#include "distributed/reductions/all_reduce_sum.h"
#include "distributed/reductions/gradient_sync.h"

namespace lodestone::testing {
using namespace distributed;
namespace {

constexpr int64_t kWidth = 6;

// Two layers whose values depend on nothing but the call, and a third that is not always used.
struct Model {
  std::vector<at::Tensor> parameters;

  Model() {
    for (int i = 0; i < 3; ++i) {
      at::Tensor w =
          at::sin(at::arange(kWidth * kWidth, at::kDouble).add(100.0 * i)).reshape({kWidth, kWidth});
      parameters.push_back(w.requires_grad_(true));
    }
  }

  at::Tensor forward(const at::Tensor& x, bool with_third) const {
    at::Tensor z = at::tanh(at::matmul(x, parameters[0]));
    z = at::matmul(z, parameters[1]);
    return with_third ? at::matmul(z, parameters[2]) : z;
  }

  void clear() {
    for (at::Tensor& p : parameters) p.mutable_grad().reset();
  }
};

at::Tensor all_rows(int64_t n, int64_t step) {
  return at::cos(at::arange(n * kWidth, at::kDouble).add(static_cast<double>(step))).reshape({n, kWidth});
}

struct Share {
  int64_t total = 0, first = 0, count = 0;
};

// Rank r has r * 2 % 5 rows: rank 0 has none.
Share share_of(const Group& group) {
  Share share;
  for (int r = 0; r < group.size(); ++r) {
    const int64_t count = group.size() == 1 ? 3 : r * 2 % 5;
    if (r == group.rank()) share = {0, share.total, count};
    share.total += r < group.rank() ? count : 0;
  }
  int64_t total = 0;
  for (int r = 0; r < group.size(); ++r) total += group.size() == 1 ? 3 : r * 2 % 5;
  share.total = total;
  return share;
}

void run_backward(const at::Tensor& z) {
  torch::autograd::backward({z}, {z.detach()});
}

void expect_same_grads(const Group& group, const Model& got, const Model& expected) {
  for (size_t i = 0; i < got.parameters.size(); ++i) {
    const at::Tensor& a = got.parameters[i].grad();
    const at::Tensor& b = expected.parameters[i].grad();
    const std::string where = "gradient " + std::to_string(i) + " on rank " + std::to_string(group.rank()) +
                              " of " + std::to_string(group.size());
    require(a.defined() == b.defined(), where + ": defined on one side only");
    if (a.defined()) require(at::allclose(a, b, 1e-12, 1e-12), where);
  }
}

void sums_equal_one_process(const Group& group) {
  for (const bool empty_has_graph : {true, false}) {
    Model mine, whole;
    GradientSync sync(group, mine.parameters, /*bucket_bytes=*/300);
    const Share share = share_of(group);
    for (int64_t step = 0; step < 4; ++step) {
      const at::Tensor x = all_rows(share.total, step);
      mine.clear();
      whole.clear();
      run_backward(whole.forward(x, true));
      const bool skip = share.count == 0 && !empty_has_graph;
      const at::Tensor z = skip ? at::Tensor() : mine.forward(x.narrow(0, share.first, share.count), true);
      sync.prepare(skip ? std::vector<at::Tensor>{} : std::vector<at::Tensor>{z});
      if (!skip) run_backward(z);
      sync.finish();
      expect_same_grads(group, mine, whole);
    }
  }
}

void unused_parameters_are_no_obstacle(const Group& group) {
  for (const bool somebody_uses_it : {true, false}) {
    Model mine, whole;
    GradientSync sync(group, mine.parameters);
    for (int64_t step = 0; step < 2; ++step) {
      mine.clear();
      whole.clear();
      for (int r = 0; r < group.size(); ++r) {
        run_backward(whole.forward(all_rows(2, r), somebody_uses_it && r == group.size() - 1));
      }
      const at::Tensor z =
          mine.forward(all_rows(2, group.rank()), somebody_uses_it && group.rank() == group.size() - 1);
      sync.prepare({z});
      run_backward(z);
      sync.finish();
      expect_same_grads(group, mine, whole);
    }
  }
}

void accumulated_gradients_are_reduced_once(const Group& group) {
  Model mine, whole;
  GradientSync sync(group, mine.parameters);
  for (int r = 0; r < group.size(); ++r) {
    run_backward(whole.forward(all_rows(2, r), true));
    run_backward(whole.forward(all_rows(2, r + 50), false));
  }
  run_backward(mine.forward(all_rows(2, group.rank()), true));
  const at::Tensor z = mine.forward(all_rows(2, group.rank() + 50), false);
  sync.prepare({z});
  run_backward(z);
  sync.finish();
  expect_same_grads(group, mine, whole);
}

void other_collectives_may_mix_with_backward(const Group& group) {
  Model mine, whole;
  GradientSync sync(group, mine.parameters, /*bucket_bytes=*/1);
  at::Tensor sum = at::zeros({1, kWidth}, at::kDouble);
  std::vector<at::Tensor> hidden;
  for (int r = 0; r < group.size(); ++r) {
    hidden.push_back(whole.forward(all_rows(2, r), false));
    sum = sum + hidden.back().sum(0, true);
  }
  for (const at::Tensor& h : hidden)
    torch::autograd::backward({at::matmul(h - sum, whole.parameters[2]).pow(2).sum()}, {}, true);
  const at::Tensor h = mine.forward(all_rows(2, group.rank()), false);
  const at::Tensor z = at::matmul(h - all_reduce_sum(group, h.sum(0, true)), mine.parameters[2]).pow(2).sum();
  sync.prepare({z});
  torch::autograd::backward({z});
  sync.finish();
  expect_same_grads(group, mine, whole);
}

void gradient_traffic_is_counted_apart(const Group& group) {
  Model mine;
  const Traffic before = group.traffic();
  GradientSync sync(group, mine.parameters);
  const at::Tensor z = mine.forward(all_rows(2, 0), true);
  sync.prepare({z});
  run_backward(z);
  sync.finish();
  require(group.traffic().all_reduce.calls == before.all_reduce.calls,
          "all_reduce must not count gradient sync");
  const int64_t calls = group.traffic().gradient_sync.calls - before.gradient_sync.calls;
  require(calls == (group.size() > 1 ? 1 : 0), "one gradient sync per step, got " + std::to_string(calls));
}

// As of a kernel of one channel over channels-last images: along a dimension of size 1 the gradient comes
// with another stride than the parameter, which LibTorch's Reducer warns of.
void gradients_have_their_parameters_strides(const Group& group) {
  if (group.size() == 1) return;
  const at::Tensor kernel = at::sin(at::arange(36, at::kDouble)).reshape({4, 1, 3, 3}).requires_grad_(true);
  const at::Tensor factor = at::arange(36, at::kDouble).reshape({4, 3, 3, 1});  // whose sums are exact
  GradientSync sync(group, {kernel});
  for (int step = 0; step < 2; ++step) {
    kernel.mutable_grad().reset();
    const at::Tensor z = (kernel.permute({0, 2, 3, 1}) * factor).sum();
    sync.prepare({z});
    torch::autograd::backward({z});
    sync.finish();
    require(kernel.grad().strides() == kernel.strides(), "strides of the gradient");
    require(at::equal(kernel.grad(), factor.permute({0, 3, 1, 2}) * group.size()), "the gradient itself");
  }
}

// <J x, y> == <x, J^T y>, where both products are sums over ranks.
void differentiable_sum_has_the_right_adjoint(const Group& group) {
  at::Tensor x =
      at::sin(at::arange(12, at::kDouble).add(10.0 * group.rank())).reshape({3, 4}).t().requires_grad_(true);
  const at::Tensor y = at::cos(at::arange(12, at::kDouble).mul(1.0 + group.rank())).reshape({4, 3});
  const at::Tensor jx = all_reduce_sum(group, x);
  torch::autograd::backward({jx}, {y});
  at::Tensor products = at::stack({(jx.detach() * y).sum(), (x.detach() * x.grad()).sum()});
  group.all_reduce(products);
  require(at::allclose(products[0], products[1], 1e-12, 1e-12), "<Jx, y> and <x, J^T y> differ");
}

constexpr CollectiveCase kCases[] = {
    {"sums_equal_one_process", sums_equal_one_process},
    {"unused_parameters_are_no_obstacle", unused_parameters_are_no_obstacle},
    {"accumulated_gradients_are_reduced_once", accumulated_gradients_are_reduced_once},
    {"other_collectives_may_mix_with_backward", other_collectives_may_mix_with_backward},
    {"gradients_have_their_parameters_strides", gradients_have_their_parameters_strides},
    {"gradient_traffic_is_counted_apart", gradient_traffic_is_counted_apart},
    {"differentiable_sum_has_the_right_adjoint", differentiable_sum_has_the_right_adjoint},
};

}  // namespace

std::span<const CollectiveCase> gradient_cases() {
  return kCases;
}

}  // namespace lodestone::testing
