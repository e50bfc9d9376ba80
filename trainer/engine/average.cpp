#include "trainer/engine/average.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>

#include "common/keys_without_effect.h"

namespace lodestone::engine {

void AverageConfig::visit(Fields& f) {
  f.field(
      {.name = "decay", .doc = "decay of the average per step; 0: no average", .min = 0, .max = 0.9999999},
      &decay);
  if (!on()) without_effect(f, {"start_step"}, "without an average; set ema.decay above 0, or leave it out");
  f.field({.name = "start_step",
           .doc = "step before which the average equals the weights",
           .unit = "steps",
           .min = 0},
          &start_step);
}

Average::Average(const AverageConfig& config, const encoders::Parameters& parameters) : config_(config) {
  for (const auto* list : {&parameters.learned(), &parameters.buffers()})
    for (const auto& parameter : *list) pairs_.push_back({parameter, parameter.tensor.detach().clone()});
}

void Average::follow(int64_t step) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> averages, values;
  for (auto& [live, average] : pairs_) {
    const at::Tensor value = live.tensor.detach();
    if (step < config_.start_step || !value.is_floating_point()) {
      average.copy_(value);
    } else {
      averages.push_back(average);
      values.push_back(value);
    }
  }
  if (!averages.empty()) at::_foreach_lerp_(averages, values, 1 - config_.decay);
}

const at::Tensor& Average::of(const std::string& name) const {
  for (const auto& [live, average] : pairs_)
    if (live.name == name) return average;
  throw Error("average: expected the name of a parameter, got " + name);
}

void Average::visit_state(StateVisitor& v) {
  for (const auto& [live, average] : pairs_) v.replicated(kAverageGroup, live.name, average);
}

// Layers hold handles of the same tensors, so the swap reaches them without a copy.
void Average::exchange() {
  for (auto& [live, average] : pairs_) {
    const at::Tensor value = live.tensor.detach();
    live.tensor.set_data(average);
    average = value;
  }
}

}  // namespace lodestone::engine
