#include "trainer/engine/optimizer.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "common/choices.h"
#include "common/keys_without_effect.h"

namespace lodestone::engine {

namespace {

// Parameters with equal settings are updated together.
std::tuple<double, bool> kind(const Tuned& tuned) {
  return {tuned.rate, tuned.decays};
}

}  // namespace

void OptimizerConfig::visit(Fields& f) {
  f.field({.name = "name", .doc = "name of the update rule", .choices = names_of(update_rules())}, &name);
  f.field({.name = "learning_rate", .doc = "learning rate at the schedule's peak", .min = 0}, &learning_rate);
  f.field({.name = "weight_decay", .doc = "weight decay, which is not applied to norms and biases", .min = 0},
          &weight_decay);
  const std::string because = "with optimizer.name: " + name + "; leave it out, or set optimizer.name: ";
  for (const char* key : rule_settings())
    if (!rule_reads(name, key)) without_effect(f, {key}, because + rules_that_read(key));
  const auto doc = [](const char* key, const char* text) {
    return "with " + rules_that_read(key) + ": " + text;
  };
  f.field({.name = "beta1",
           .doc = doc("beta1", "decay of the mean of gradients").c_str(),
           .min = 0,
           .max = 0.999999},
          &beta1);
  f.field({.name = "beta2",
           .doc = doc("beta2", "decay of the mean of squared gradients").c_str(),
           .min = 0,
           .max = 0.999999},
          &beta2);
  f.field({.name = "epsilon", .doc = doc("epsilon", "number added to the denominator").c_str(), .min = 0},
          &epsilon);
  f.field({.name = "momentum",
           .doc = doc("momentum", "factor on the previous first moment").c_str(),
           .min = 0,
           .max = 1},
          &momentum);
  f.field({.name = "nesterov", .doc = doc("nesterov", "whether Nesterov's momentum is used").c_str()},
          &nesterov);
  f.field({.name = "trust_coefficient",
           .doc = doc("trust_coefficient",
                      "norm of an update as a fraction of its parameter's norm, at learning rate 1")
                      .c_str(),
           .min = 0},
          &trust_coefficient);
  f.field({.name = "clip_norm",
           .doc = "largest joint norm of all gradients, to which they are clipped; 0: no clipping",
           .min = 0},
          &clip_norm);
  tuning.visit(f);
}

void OptimizerConfig::check() const {
  const std::string rules = rules_that_read("nesterov");
  if (nesterov && (momentum == 0 || !rule_reads(name, "nesterov")))
    throw ConfigError("optimizer: nesterov needs " + rules + " with a momentum above 0, got " + name +
                      "; set optimizer.name: " + rules + " and optimizer.momentum, or nesterov: false");
}

Optimizer::Optimizer(const OptimizerConfig& config, const std::vector<encoders::Parameter>& parameters)
    : config_(config), rule_(&update_rule(config.name)) {
  config.check();
  const std::vector<Tuned> tuned = tune(config.tuning, parameters);
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].tensor.requires_grad()) continue;
    const at::Tensor value = parameters[i].tensor.detach();
    Moments one{parameters[i], tuned[i], at::zeros_like(value), {}, {}};
    if (rule_->squares) {
      one.second = at::zeros_like(value);
      one.steps = at::zeros({}, value.options().dtype(at::kFloat));
    }
    moments_.push_back(std::move(one));
  }
  std::stable_sort(moments_.begin(), moments_.end(),
                   [](const Moments& a, const Moments& b) { return kind(a.tuned) < kind(b.tuned); });
}

std::vector<at::Tensor> Optimizer::gradients() const {
  std::vector<at::Tensor> all;
  for (const auto& one : moments_)
    if (const at::Tensor& gradient = one.parameter.tensor.grad(); gradient.defined()) all.push_back(gradient);
  return all;
}

double Optimizer::clip(double scale) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> all = gradients();
  if (all.empty()) return 0;
  // Squares are summed in double precision.
  const double norm = at::stack(at::_foreach_norm(all)).to(at::kDouble).norm().item<double>() / scale;
  if (!std::isfinite(norm)) return norm;
  const double shrink = config_.clip_norm > 0 && norm > config_.clip_norm ? config_.clip_norm / norm : 1.0;
  if (shrink / scale != 1.0) at::_foreach_mul_(all, shrink / scale);
  return norm;
}

void Optimizer::step(double factor) {
  at::NoGradGuard no_grad;
  for (size_t begin = 0; begin < moments_.size();) {
    const Tuned& tuned = moments_[begin].tuned;
    UpdateGroup group;
    group.rate = config_.learning_rate * factor * tuned.rate;
    group.decay = tuned.decays ? config_.weight_decay : 0.0;
    group.adapts = tuned.decays;
    size_t end = begin;
    for (; end < moments_.size() && kind(moments_[end].tuned) == kind(tuned); ++end) {
      const Moments& one = moments_[end];
      if (!one.parameter.tensor.grad().defined()) continue;
      group.values.push_back(one.parameter.tensor);
      group.gradients.push_back(one.parameter.tensor.grad());
      group.first.push_back(one.first);
      if (!rule_->squares) continue;
      group.second.push_back(one.second);
      group.steps.push_back(one.steps);
    }
    if (!group.empty()) rule_->apply(config_, group);
    begin = end;
  }
  clear();
}

void Optimizer::clear() {
  // Undefined gradients: the next backward pass then assigns its result, while zeros would have to be
  // written, read and added to.
  for (auto& one : moments_) one.parameter.tensor.mutable_grad().reset();
}

void Optimizer::visit_state(StateVisitor& v, const std::string& group, const std::string& prefix) {
  for (const auto& one : moments_) {
    const std::string name = prefix + one.parameter.name;
    v.replicated(group, name + ".first", one.first);
    if (one.second.defined()) v.replicated(group, name + ".second", one.second);
    if (one.steps.defined()) v.replicated(group, name + ".steps", one.steps);
  }
}

}  // namespace lodestone::engine
