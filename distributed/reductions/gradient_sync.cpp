#include "distributed/reductions/gradient_sync.h"

#include <algorithm>
#include <unordered_set>

#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include "common/error.h"
#include "distributed/transport/call_check.h"
#include "distributed/transport/call_timer.h"
#include "distributed/transport/pending_op.h"

namespace lodestone::distributed {

namespace {

using torch::autograd::Node;

std::vector<at::Tensor> trainable(const std::vector<at::Tensor>& parameters) {
  std::vector<at::Tensor> kept;
  for (const at::Tensor& parameter : parameters) {
    if (parameter.requires_grad()) kept.push_back(parameter);
  }
  if (kept.empty()) {
    throw Error("gradient sync: expected at least one parameter that requires a gradient, got none of " +
                std::to_string(parameters.size()) + "; unfreeze some, or do not synchronise");
  }
  return kept;
}

c10::intrusive_ptr<c10d::ProcessGroup> process_group(const Group& group) {
  GroupState& state = group.state();
  auto process_group = c10::make_intrusive<c10d::ProcessGroup>(group.rank(), group.size());
  if (state.cpu) {
    process_group->setBackend(c10::kCPU, c10d::ProcessGroup::CUSTOM,
                              c10::intrusive_ptr<c10d::Backend>(state.cpu));
  }
  if (state.cuda) process_group->setBackend(c10::kCUDA, c10d::ProcessGroup::NCCL, state.cuda);
  return process_group;
}

// The stride along a dimension of size 1 has no meaning, and the gradient of a kernel with one channel or one
// pixel has another one than the kernel. The Reducer takes that for another layout: it warns, and copies the
// gradient row by row. So the gradient gets its parameter's strides; the numbers stay where they are.
void keep_strides(const at::Tensor& parameter) {
  const auto sizes = parameter.sizes();
  if (std::find(sizes.begin(), sizes.end(), 1) == sizes.end()) return;
  parameter.register_hook([strides = parameter.strides().vec()](const at::Tensor& gradient) {
    if (gradient.strides() == at::IntArrayRef(strides)) return gradient;
    for (int64_t d = 0; d < gradient.dim(); ++d)
      if (gradient.size(d) != 1 && gradient.stride(d) != strides[static_cast<size_t>(d)]) return gradient;
    return gradient.as_strided(gradient.sizes(), strides);
  });
}

using Works = std::vector<c10::intrusive_ptr<c10d::Work>>;

constexpr const char* kOperation = "gradient_sync";

// Without a hook the Reducer divides by the world size; this hook only adds. (LibTorch has the same, but does
// not export it.) It records its calls on a GPU, since nothing else waits for them on the host.
class SumHook : public c10d::CppCommHookInterface<c10::intrusive_ptr<c10d::ProcessGroup>> {
 public:
  SumHook(const c10::intrusive_ptr<c10d::ProcessGroup>& process_group, Group group,
          std::shared_ptr<Works> works)
      : CppCommHookInterface(process_group), group_(std::move(group)), works_(std::move(works)) {}

  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket& bucket) override {
    std::vector<at::Tensor> tensors{bucket.getBufferRef()};
    if (!tensors[0].is_cuda()) return state_->allreduce(tensors)->getFuture();
    try {
      const auto work = state_->allreduce(tensors);
      works_->push_back(work);
      return work->getFuture();
    } catch (const std::exception& cause) {
      rethrow_as_comm_error(group_.state(), kOperation, cause, /*on_cuda=*/true);
    }
  }

 private:
  const Group group_;
  const std::shared_ptr<Works> works_;
};

// Gradients become ready roughly from the last parameter to the first, and buckets in the same order.
std::unique_ptr<c10d::Reducer> make_reducer(const Group& group, const std::shared_ptr<Works>& works,
                                            const std::vector<at::Tensor>& parameters, int64_t bucket_bytes) {
  const auto process_group = lodestone::distributed::process_group(group);
  const int64_t first_bytes = std::min<int64_t>(bucket_bytes, c10d::kDefaultFirstBucketBytes);
  auto [buckets, limits] = c10d::compute_bucket_assignment_by_size(
      parameters, {static_cast<size_t>(first_bytes), static_cast<size_t>(bucket_bytes)});
  std::reverse(buckets.begin(), buckets.end());
  auto reducer = std::make_unique<c10d::Reducer>(
      parameters, buckets, process_group, std::vector<bool>(parameters.size(), false), bucket_bytes,
      /*find_unused_parameters=*/true, /*gradient_as_bucket_view=*/false,
      std::unordered_map<size_t, std::string>{}, first_bytes, /*skip_all_reduce_unused_params=*/false,
      /*use_python_reducer=*/false, std::vector<int64_t>{});
  reducer->register_comm_hook(std::make_unique<SumHook>(process_group, group, works));
  return reducer;
}

}  // namespace

struct GradientSync::Impl {
  Group home;   // the caller's, whose traffic this is
  Group group;  // the same ranks
  std::vector<at::Tensor> parameters;
  at::Tensor anchor;  // an internal parameter, for ranks whose backward pass reaches no other
  std::vector<std::shared_ptr<Node>> leaves;
  std::unordered_set<const Node*> leaf_set;
  std::unique_ptr<c10d::Reducer> reducer;
  bool idle = false;
  int64_t bytes = 0;
  std::shared_ptr<Works> works = std::make_shared<Works>();  // of the current pass, on a GPU
  Clock::time_point deadline{};

  bool reaches_parameter(const std::vector<at::Tensor>& outputs) const;
};

bool GradientSync::Impl::reaches_parameter(const std::vector<at::Tensor>& outputs) const {
  std::vector<Node*> pending;
  std::unordered_set<const Node*> seen;
  for (const at::Tensor& output : outputs) {
    if (output.defined() && output.requires_grad())
      pending.push_back(torch::autograd::impl::gradient_edge(output).function.get());
  }
  while (!pending.empty()) {
    Node* node = pending.back();
    pending.pop_back();
    if (node == nullptr || !seen.insert(node).second) continue;
    if (leaf_set.contains(node)) return true;
    for (const auto& edge : node->next_edges()) pending.push_back(edge.function.get());
  }
  return false;
}

// A group of its own, so that collectives of the backward pass itself (synchronised batch norm) can run at
// the same time.
GradientSync::GradientSync(Group group, const std::vector<at::Tensor>& parameters, int64_t bucket_bytes)
    : impl_(new Impl{group,
                     group.size() == 1 ? group : group.split(0, group.rank()),
                     trainable(parameters),
                     {},
                     {},
                     {},
                     {}}) {
  Impl& impl = *impl_;
  if (group.size() == 1) return;
  impl.anchor = at::zeros({1}, impl.parameters.back().options()).requires_grad_(true);
  impl.parameters.push_back(impl.anchor);
  for (const at::Tensor& parameter : impl.parameters) {
    keep_strides(parameter);
    impl.leaves.push_back(torch::autograd::impl::grad_accumulator(parameter));
    impl.leaf_set.insert(impl.leaves.back().get());
    impl.bytes += static_cast<int64_t>(parameter.nbytes()) + 4;
  }
  impl.reducer = make_reducer(impl.group, impl.works, impl.parameters, bucket_bytes);
}

GradientSync::~GradientSync() = default;
GradientSync::GradientSync(GradientSync&&) noexcept = default;
GradientSync& GradientSync::operator=(GradientSync&&) noexcept = default;

void GradientSync::prepare(const std::vector<at::Tensor>& outputs) {
  if (!impl_->reducer) return;
  GroupState& state = impl_->group.state();
  state.members.context->check(kOperation);
  impl_->works->clear();
  // The Reducer's own calls, made as gradients arrive, follow from the parameters: comparing these is enough.
  compare_calls(state, {kOperation, impl_->bytes}, impl_->anchor, {});
  impl_->deadline = Clock::now() + state.members.options.timeout;
  impl_->idle = !impl_->reaches_parameter(outputs);
  if (!impl_->idle) impl_->reducer->prepare_for_backward(outputs);
}

void GradientSync::finish() {
  Impl& impl = *impl_;
  if (!impl.reducer) return;
  const CallTimer timer(&impl.home.state(), kOperation);
  if (impl.idle) {
    // The Reducer starts when a gradient arrives. Here none did, so the anchor's gradient starts it, and the
    // others count as unused.
    const at::AutoGradMode with_grad(true);
    const at::Tensor output = impl.anchor.mul(0);
    impl.reducer->prepare_for_backward({output});
    torch::autograd::backward({output}, {at::zeros_like(output)});
    impl.idle = false;
  }
  impl.anchor.mutable_grad().reset();
  GroupState& state = impl.group.state();
  for (const auto& work : *impl.works) await_on_cuda(state, kOperation, *work, impl.deadline, 0);
  impl.works->clear();
  state.members.context->check(kOperation);
  count_traffic(impl.home.state(), &Traffic::gradient_sync,
                2 * impl.bytes * (impl.group.size() - 1) / impl.group.size());
}

}  // namespace lodestone::distributed
