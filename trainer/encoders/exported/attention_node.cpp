#include <array>
#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <nlohmann/json.hpp>

#include "trainer/encoders/exported/drawn_dropout.h"
#include "trainer/encoders/exported/reading.h"

namespace lodestone::encoders::exported {

namespace {

/// softmax(q kᵀ · scale + bias) v. With dropout the weights are computed here, since LibTorch's kernels draw
/// their own random numbers.
struct Attention : Operation {
  std::array<Operand, 8> operands;  // as in the operator's schema
  DropoutSite site;
  std::optional<int64_t> rows_per_row;
  Slot result;

  explicit Attention(std::array<Operand, 8> all) : operands(std::move(all)) {}
  void run(Frame& frame) const override {
    const auto given = [&](size_t i) { return operands[i].value(frame); };
    const at::Tensor q = given(0).toTensor(), k = given(1).toTensor(), v = given(2).toTensor();
    const auto bias = given(3).toOptional<at::Tensor>();
    const double probability = given(4).toScalar().toDouble();
    const bool causal = given(5).toBool(), grouped = given(7).toBool();
    const auto scale = given(6).toOptional<double>();
    if (frame.mode.training && probability > 0)
      frame[result] = with_dropout(frame, q, k, v, bias, probability, causal, scale, grouped);
    else
      frame[result] = at::scaled_dot_product_attention(q, k, v, bias, 0.0, causal, scale, grouped);
  }

 private:
  // 0 where attention is allowed, elsewhere a number that no score outweighs. A mask is often smaller than
  // the scores, and an addition has no backward pass over them. A row without any key stays finite.
  static at::Tensor added(const at::Tensor& allowed, const at::Tensor& score) {
    return at::zeros(allowed.sizes(), score.options()).masked_fill_(allowed.logical_not(), -0x1p126);
  }
  at::Tensor with_dropout(const Frame& frame, const at::Tensor& q, at::Tensor k, at::Tensor v,
                          const std::optional<at::Tensor>& bias, double probability, bool causal,
                          const std::optional<double>& scale, bool grouped) const {
    if (grouped && k.size(-3) != q.size(-3)) {
      k = k.repeat_interleave(q.size(-3) / k.size(-3), -3);
      v = v.repeat_interleave(q.size(-3) / v.size(-3), -3);
    }
    at::Tensor score =
        at::matmul(q, k.transpose(-2, -1)) * scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1))));
    if (causal)
      score = score + added(at::ones({q.size(-2), k.size(-2)}, q.options().dtype(at::kBool)).tril(), score);
    if (bias && bias->defined())
      score = score + (bias->scalar_type() == at::kBool ? added(*bias, score) : *bias);
    return at::matmul(dropped(score.softmax(-1), probability, site, rows_per_row, frame.mode), v);
  }
};

}  // namespace

Read read_attention(const Node& node, Reading& reading, std::vector<Slot> results) {
  std::vector<Slot> reads;
  const auto operand = [&](const char* name, c10::IValue otherwise) {
    const auto* given = node.argument(name);
    Operand made = given != nullptr ? Operand(*given, reading.names, nullptr) : Operand(std::move(otherwise));
    for (const Slot slot : made.slots()) reads.push_back(slot);
    return made;
  };
  auto attention = std::make_unique<Attention>(
      std::array{operand("query", {}), operand("key", {}), operand("value", {}), operand("attn_mask", {}),
                 operand("dropout_p", 0.0), operand("is_causal", false), operand("scale", {}),
                 operand("enable_gqa", false)});
  attention->site = reading.next_site++;
  attention->rows_per_row = reading.rows_per_row(node, "query");
  attention->result = node.only(results);
  return {std::move(attention), std::move(reads), {}};
}

}  // namespace lodestone::encoders::exported
