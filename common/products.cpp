#include "common/products.h"

#include <cstdlib>
#include <optional>
#include <string_view>

#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>

namespace lodestone {

namespace {

// ATen's fused linear operator for plain tensors.
using Operator = at::Tensor(const at::Tensor& x_mk, const at::Tensor& w_nk,
                            const std::optional<at::Tensor>& bias_n, std::string_view attribute,
                            c10::List<std::optional<at::Scalar>> scalars,
                            std::optional<std::string_view> algorithm);

std::optional<c10::TypedOperatorHandle<Operator>> find_onednn() {
  if (std::getenv("ONEDNN_DEFAULT_FPMATH_MODE") != nullptr ||
      std::getenv("DNNL_DEFAULT_FPMATH_MODE") != nullptr)
    return {};
  const auto found = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
  if (!found) return {};
  return found->typed<Operator>();
}

}  // namespace

at::Tensor products_of_rows(const at::Tensor& a_mD, const at::Tensor& b_nD, const at::Tensor& bias_n) {
  static const auto onednn = find_onednn();
  if (onednn && a_mD.device().is_cpu() && a_mD.scalar_type() == at::kFloat && a_mD.numel() > 0 &&
      b_nD.numel() > 0) {
    const std::optional<at::Tensor> bias = bias_n.defined() ? std::optional(bias_n) : std::nullopt;
    return onednn->call(a_mD, b_nD, bias, "none", c10::List<std::optional<at::Scalar>>(), {});
  }
  return bias_n.defined() ? at::addmm(bias_n, a_mD, b_nD.t()) : at::mm(a_mD, b_nD.t());
}

}  // namespace lodestone
