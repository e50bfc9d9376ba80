#include "trainer/engine/optimizer.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace lodestone {

void OptimizerConfig::visit(Fields& f) {
  f.field({"name", "the update rule", "", {}, {}, {"adamw", "sgd"}}, &name);
  f.field({"learning_rate", "at the schedule's peak", "", 0}, &learning_rate);
  f.field({"weight_decay", "not applied to norms and biases", "", 0}, &weight_decay);
  f.field({"beta1", "AdamW: decay of the mean of gradients", "", 0, 0.999999}, &beta1);
  f.field({"beta2", "AdamW: decay of the mean of squared gradients", "", 0, 0.999999}, &beta2);
  f.field({"epsilon", "AdamW: added to the denominator", "", 0}, &epsilon);
  f.field({"momentum", "SGD", "", 0, 1}, &momentum);
  f.field({"nesterov", "SGD: Nesterov's momentum"}, &nesterov);
  f.field({"clip_norm", "largest joint norm of all gradients; 0 turns clipping off", "", 0}, &clip_norm);
}

Optimizer::Optimizer(const OptimizerConfig& config, const std::vector<Parameter>& parameters)
    : config_(config) {
  if (config.nesterov && config.momentum == 0)
    throw ConfigError(
        "optimizer: nesterov needs a momentum above 0; set optimizer.momentum or nesterov: false");
  for (const auto& parameter : parameters) {
    const at::Tensor value = parameter.tensor.detach();
    Slot slot{parameter, at::zeros_like(value), {}, {}};
    if (config.name == "adamw") {
      slot.second = at::zeros_like(value);
      slot.steps = at::zeros({}, value.options().dtype(at::kFloat));
    }
    slots_.push_back(std::move(slot));
  }
}

double Optimizer::clip() {
  at::NoGradGuard no_grad;
  double squares = 0;
  for (const auto& slot : slots_)
    if (const at::Tensor& gradient = slot.parameter.tensor.grad(); gradient.defined()) {
      const double norm = at::linalg_vector_norm(gradient).item<double>();
      squares += norm * norm;
    }
  const double norm = std::sqrt(squares);
  if (config_.clip_norm > 0 && norm > config_.clip_norm)
    for (auto& slot : slots_)
      if (at::Tensor gradient = slot.parameter.tensor.grad(); gradient.defined())
        gradient.mul_(config_.clip_norm / norm);
  return norm;
}

void Optimizer::step(double factor) {
  at::NoGradGuard no_grad;
  const double rate = config_.learning_rate * factor;
  if (config_.name == "adamw") {
    step_adamw(rate);
  } else {
    step_sgd(rate);
  }
  for (auto& slot : slots_)
    if (at::Tensor gradient = slot.parameter.tensor.grad(); gradient.defined()) gradient.zero_();
}

void Optimizer::step_adamw(double rate) {
  for (const bool decays : {true, false}) {
    std::vector<at::Tensor> values, gradients, first, second, largest, steps;
    for (auto& slot : slots_) {
      if (slot.parameter.decays != decays || !slot.parameter.tensor.grad().defined()) continue;
      values.push_back(slot.parameter.tensor);
      gradients.push_back(slot.parameter.tensor.grad());
      first.push_back(slot.first);
      second.push_back(slot.second);
      steps.push_back(slot.steps.add_(1));
    }
    if (values.empty()) continue;
    at::_fused_adamw_(values, gradients, first, second, largest, steps, rate, config_.beta1, config_.beta2,
                      decays ? config_.weight_decay : 0.0, config_.epsilon, /*amsgrad=*/false,
                      /*maximize=*/false);
  }
}

void Optimizer::step_sgd(double rate) {
  for (const bool decays : {true, false}) {
    std::vector<at::Tensor> values, gradients, momenta;
    for (auto& slot : slots_) {
      if (slot.parameter.decays != decays || !slot.parameter.tensor.grad().defined()) continue;
      values.push_back(slot.parameter.tensor);
      gradients.push_back(slot.parameter.tensor.grad());
      if (config_.momentum > 0) momenta.push_back(slot.first);
    }
    if (values.empty()) continue;
    // The momenta start at zero, so the first step is no special case.
    at::_fused_sgd_(values, gradients, momenta, decays ? config_.weight_decay : 0.0, config_.momentum, rate,
                    /*dampening=*/0.0, config_.nesterov, /*maximize=*/false, /*is_first_step=*/false);
  }
}

std::map<std::string, at::Tensor> Optimizer::state() const {
  std::map<std::string, at::Tensor> state;
  for (const auto& slot : slots_) {
    state[slot.parameter.name + ".first"] = slot.first;
    if (slot.second.defined()) state[slot.parameter.name + ".second"] = slot.second;
    if (slot.steps.defined()) state[slot.parameter.name + ".steps"] = slot.steps;
  }
  return state;
}

}  // namespace lodestone
