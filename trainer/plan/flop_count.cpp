#include "trainer/plan/flop_count.h"

#include <string_view>
#include <vector>

namespace lodestone::plan {

namespace {

// A global, since LibTorch calls a plain function.
thread_local double counted = 0;

double product(at::IntArrayRef sizes) {
  double all = 1;
  for (const int64_t size : sizes) all *= static_cast<double>(size);
  return all;
}

// Operations of [..., m, k] times [..., k, n].
double of_product(const c10::IValue& left, const c10::IValue& right) {
  return 2 * product(left.toTensor().sizes()) * static_cast<double>(right.toTensor().size(-1));
}

// Each output element sums over one kernel's weights.
double of_convolution(c10::ArrayRef<const c10::IValue> inputs) {
  const auto x = inputs[0].toTensor().sizes(), kernel = inputs[1].toTensor().sizes();
  const auto stride = inputs[3].toIntVector(), padding = inputs[4].toIntVector(),
             dilation = inputs[5].toIntVector();
  double places = static_cast<double>(x[0]);
  for (size_t i = 0; i + 2 < x.size(); ++i) {
    const int64_t span = dilation[i % dilation.size()] * (kernel[i + 2] - 1) + 1;
    places *= static_cast<double>(
        (x[i + 2] + 2 * padding[i % padding.size()] - span) / stride[i % stride.size()] + 1);
  }
  return 2 * places * product(kernel);
}

// Queries times keys, and the result times values: [b, h, t, d].
double of_attention(const c10::IValue& query, const c10::IValue& key) {
  return 4 * product(query.toTensor().sizes()) * static_cast<double>(key.toTensor().size(-2));
}

std::unique_ptr<at::ObserverContext> observe_call(const at::RecordFunction& call) {
  const std::string_view name = call.name();
  const auto inputs = call.inputs();
  if (name == "aten::mm" || name == "aten::bmm")
    counted += of_product(inputs[0], inputs[1]);
  else if (name == "aten::addmm" || name == "aten::baddbmm")
    counted += of_product(inputs[1], inputs[2]);
  else if (name == "aten::convolution")
    counted += of_convolution(inputs);
  else if (name.starts_with("aten::_scaled_dot_product_flash_attention"))
    counted += of_attention(inputs[0], inputs[1]);
  return nullptr;
}

}  // namespace

FlopCount::FlopCount() {
  counted = 0;
  handle_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback(&observe_call).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
}

FlopCount::~FlopCount() {
  at::removeCallback(handle_);
}

double FlopCount::total() const {
  return counted;
}

}  // namespace lodestone::plan
