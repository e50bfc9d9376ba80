#include "trainer/encoders/recompute.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace lodestone::encoders {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The state of mixed precision when the object was made.
struct Precision {
  explicit Precision(c10::DeviceType type)
      : device(type),
        enabled(at::autocast::is_autocast_enabled(type)),
        dtype(at::autocast::get_autocast_dtype(type)),
        caches(at::autocast::is_autocast_cache_enabled()) {}
  void apply() const {
    at::autocast::set_autocast_enabled(device, enabled);
    at::autocast::set_autocast_dtype(device, dtype);
    at::autocast::set_autocast_cache_enabled(caches);
  }

  c10::DeviceType device;
  bool enabled;
  at::ScalarType dtype;
  bool caches;
};

// Sets a precision until the end of the scope. Casts are not cached: one made without a graph must not be
// used with a graph.
class PrecisionScope {
 public:
  explicit PrecisionScope(Precision precision) : before_(precision.device) {
    precision.caches = false;
    precision.apply();
  }
  ~PrecisionScope() { before_.apply(); }
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;

 private:
  Precision before_;
};

// What the backward pass needs besides tensors.
struct Recipe : torch::CustomClassHolder {
  Recipe(Blocks function, ForwardMode how, Precision what)
      : block(std::move(function)), mode(std::move(how)), precision(what) {
    mode.update_statistics = false;
    mode.recompute = false;
  }
  Blocks block;
  ForwardMode mode;
  Precision precision;
};

struct RecomputedBlock : torch::autograd::Function<RecomputedBlock> {
  // The parameters are arguments so that the graph leads to them: gradient synchronisation reads the graph.
  static variable_list forward(AutogradContext* context, const Blocks& block, const ForwardMode& mode,
                               at::TensorList x, at::TensorList parameters) {
    const Precision precision(x[0].device().type());
    variable_list saved = x.vec();
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    context->save_for_backward(saved);
    context->saved_data["inputs"] = static_cast<int64_t>(x.size());
    context->saved_data["recipe"] =
        c10::IValue::make_capsule(c10::make_intrusive<Recipe>(block, mode, precision));
    const PrecisionScope scope(precision);
    return block(x.vec(), mode);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto recipe = c10::static_intrusive_pointer_cast<Recipe>(context->saved_data["recipe"].toCapsule());
    const auto count = static_cast<size_t>(context->saved_data["inputs"].toInt());
    variable_list inputs = context->get_saved_variables();
    for (size_t i = 0; i < count; ++i)
      inputs[i] = inputs[i].detach().requires_grad_(context->needs_input_grad(i));
    variable_list y, dy;
    {
      const at::AutoGradMode with_graph(true);
      const PrecisionScope scope(recipe->precision);
      const auto results =
          recipe->block({inputs.begin(), inputs.begin() + static_cast<int64_t>(count)}, recipe->mode);
      for (size_t i = 0; i < results.size(); ++i)
        if (gradients[i].defined() && results[i].requires_grad())
          y.push_back(results[i]), dy.push_back(gradients[i]);
    }
    variable_list wanted;
    for (const auto& input : inputs)
      if (input.requires_grad()) wanted.push_back(input);
    const variable_list found = torch::autograd::grad(y, wanted, dy, /*retain_graph=*/false,
                                                      /*create_graph=*/false, /*allow_unused=*/true);
    variable_list result = {{}, {}};  // block and mode have none
    size_t next = 0;
    for (const auto& input : inputs) result.push_back(input.requires_grad() ? found[next++] : at::Tensor());
    return result;
  }
};

}  // namespace

std::vector<at::Tensor> run_block(const Blocks& block, const std::vector<at::Tensor>& x,
                                  const std::vector<at::Tensor>& parameters, const ForwardMode& mode) {
  if (!mode.recompute || !mode.training || !at::GradMode::is_enabled()) return block(x, mode);
  return RecomputedBlock::apply(block, mode, at::TensorList(x), at::TensorList(parameters));
}

at::Tensor run_block(const Block& block, const at::Tensor& x, const std::vector<at::Tensor>& parameters,
                     const ForwardMode& mode) {
  const Blocks one = [block](const std::vector<at::Tensor>& all, const ForwardMode& how) {
    return std::vector<at::Tensor>{block(all[0], how)};
  };
  return run_block(one, std::vector<at::Tensor>{x}, parameters, mode)[0];
}

std::vector<at::Tensor> learned_since(const Parameters& parameters, size_t first) {
  std::vector<at::Tensor> tensors;
  for (size_t i = first; i < parameters.learned().size(); ++i)
    tensors.push_back(parameters.learned()[i].tensor);
  return tensors;
}

}  // namespace lodestone::encoders
