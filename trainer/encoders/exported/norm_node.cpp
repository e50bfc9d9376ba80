#include <array>
#include <stdexcept>

#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros_like.h>
#include <nlohmann/json.hpp>

#include "trainer/encoders/batch_norm.h"
#include "trainer/encoders/exported/reading.h"

namespace lodestone::encoders::exported {

namespace {

/// Batch norm as batch_norm: local | sync | frozen says.
struct Norm : Operation {
  BatchNorm norm;
  Slot x, result;

  explicit Norm(BatchNorm made) : norm(std::move(made)) {}
  int64_t channels = 0;
  void run(Frame& frame) const override {
    const at::Tensor& input = frame.tensor(x);
    if (input.dim() < 2 || input.size(1) != channels)
      throw std::runtime_error("a batch norm of " + std::to_string(channels) + " channels on other input");
    frame[result] = norm.forward(input, frame.mode);
  }
};

// One floating-point number for each channel: norms compute in place on their memory.
bool fits(const at::Tensor& value_C, const at::Tensor& mean_C) {
  return value_C.scalar_type() == at::kFloat && value_C.dim() == 1 && value_C.sizes() == mean_C.sizes();
}

}  // namespace

Read read_batch_norm(const Node& node, Reading& reading, std::vector<Slot> results) {
  const auto state = [&](const char* name) {
    const auto* given = node.argument(name);
    if (given == nullptr || !given->contains("as_tensor")) return at::Tensor();
    const Slot slot = reading.names.of(given->at("as_tensor").at("name").get<std::string>());
    const auto found = reading.states.find(slot);
    return found == reading.states.end() ? at::Tensor() : found->second;
  };
  at::Tensor weight_C = state("weight"), bias_C = state("bias");
  const at::Tensor mean_C = state("running_mean"), variance_C = state("running_var");
  if (!mean_C.defined() || !variance_C.defined() || weight_C.defined() != bias_C.defined())
    throw DataError(
        "exported: expected batch norms with running statistics, and with weight and bias or neither, got "
        "another "
        "(in module " +
        node.module() + "); set track_running_stats=True before the export");
  for (const at::Tensor* one : std::array<const at::Tensor*, 4>{&weight_C, &bias_C, &mean_C, &variance_C})
    if (one->defined() && !fits(*one, mean_C))
      throw DataError(
          "exported: expected batch norms with one float for each channel, got another form (in module " +
          node.module() + "); save the program again");
  ++(node.given("training").at("as_bool").get<bool>() ? reading.trained : reading.evaluated);
  const bool affine = weight_C.defined();
  if (!affine) {  // the norm's formula has both
    reading.made.push_back(
        {node.module() + ".weight", weight_C = at::ones_like(mean_C), false, ParameterRole::kConstant});
    reading.made.push_back(
        {node.module() + ".bias", bias_C = at::zeros_like(mean_C), false, ParameterRole::kConstant});
  }
  auto norm = std::make_unique<Norm>(BatchNorm(
      {weight_C, bias_C, mean_C, variance_C, float_of(*kind_and_value(node.given("momentum")).second),
       float_of(*kind_and_value(node.given("eps")).second), affine}));
  norm->channels = mean_C.numel();
  norm->x = reading.names.of(node.given("input").at("as_tensor").at("name").get<std::string>());
  norm->result = node.only(results);
  const Slot x = norm->x;
  return {std::move(norm), {x}, {}};
}

}  // namespace lodestone::encoders::exported
