#include "trainer/engine/update_rule.h"

#include <algorithm>
#include <string_view>

#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_addcmul.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/where.h>

#include "common/choices.h"
#include "trainer/engine/optimizer.h"

namespace lodestone::engine {

namespace {

void adamw(const OptimizerConfig& config, UpdateGroup& group) {
  at::_foreach_add_(group.steps, 1);
  at::_fused_adamw_(group.values, group.gradients, group.first, group.second, /*max_exp_avg_sqs=*/{},
                    group.steps, group.rate, config.beta1, config.beta2, group.decay, config.epsilon,
                    /*amsgrad=*/false,
                    /*maximize=*/false);
}

void sgd(const OptimizerConfig& config, UpdateGroup& group) {
  // The momenta start at zero, so the first step needs no special case.
  const at::TensorList momenta = config.momentum > 0 ? at::TensorList(group.first) : at::TensorList();
  at::_fused_sgd_(group.values, group.gradients, momenta, group.decay, config.momentum, group.rate,
                  /*dampening=*/0.0, config.nesterov, /*maximize=*/false, /*is_first_step=*/false);
}

// over / under where both are above zero, else 1; computed on the device, so that nothing waits for it.
at::Tensor ratio(const at::Tensor& over, const at::Tensor& under) {
  return at::where(at::logical_and(over > 0, under > 0), over / under, at::ones_like(over));
}

void lars(const OptimizerConfig& config, UpdateGroup& group) {
  const auto sizes = at::_foreach_norm(group.values), slopes = at::_foreach_norm(group.gradients);
  for (size_t i = 0; i < group.values.size(); ++i) {
    at::Tensor update = group.gradients[i].add(group.values[i], group.decay);
    if (group.adapts)
      update.mul_(ratio(sizes[i] * config.trust_coefficient, slopes[i] + sizes[i] * group.decay));
    group.values[i].sub_(group.first[i].mul_(config.momentum).add_(update, group.rate));
  }
}

void lamb(const OptimizerConfig& config, UpdateGroup& group) {
  at::_foreach_add_(group.steps, 1);
  for (size_t i = 0; i < group.values.size(); ++i) {
    const at::Tensor& g = group.gradients[i];
    group.first[i].lerp_(g, 1 - config.beta1);
    group.second[i].mul_(config.beta2).addcmul_(g, g, 1 - config.beta2);
    const auto corrected = [&](const at::Tensor& moment, double beta) {
      return moment / (1 - at::pow(beta, group.steps[i].to(at::kDouble))).to(moment.scalar_type());
    };
    at::Tensor update = corrected(group.first[i], config.beta1)
                            .div_(corrected(group.second[i], config.beta2).sqrt_().add_(config.epsilon))
                            .add_(group.values[i], group.decay);
    if (group.adapts) update.mul_(ratio(group.values[i].norm(), update.norm()));
    group.values[i].sub_(update, group.rate);
  }
}

bool reads(const UpdateRule& rule, std::string_view setting) {
  return std::ranges::find(rule.settings, setting) != rule.settings.end();
}

}  // namespace

std::span<const UpdateRule> update_rules() {
  static const std::vector<UpdateRule> all = {
      {.name = "adamw", .settings = {"beta1", "beta2", "epsilon"}, .squares = true, .apply = adamw},
      {.name = "sgd", .settings = {"momentum", "nesterov"}, .squares = false, .apply = sgd},
      {.name = "lars", .settings = {"momentum", "trust_coefficient"}, .squares = false, .apply = lars},
      {.name = "lamb", .settings = {"beta1", "beta2", "epsilon"}, .squares = true, .apply = lamb},
  };
  return all;
}

std::vector<const char*> rule_settings() {
  std::vector<const char*> all;
  for (const UpdateRule& rule : update_rules())
    for (const char* setting : rule.settings)
      if (std::ranges::find(all, std::string_view(setting)) == all.end()) all.push_back(setting);
  return all;
}

bool rule_reads(std::string_view name, std::string_view setting) {
  return std::ranges::any_of(
      update_rules(), [&](const UpdateRule& rule) { return name == rule.name && reads(rule, setting); });
}

std::string rules_that_read(std::string_view setting) {
  return names_that(update_rules(), [setting](const UpdateRule& rule) { return reads(rule, setting); });
}

const UpdateRule& update_rule(const std::string& name) {
  for (const UpdateRule& rule : update_rules())
    if (name == rule.name) return rule;
  throw ConfigError("optimizer.name: expected " +
                    names_that(update_rules(), [](const auto&) { return true; }) + ", got '" + name +
                    "'; choose one of them");
}

}  // namespace lodestone::engine
