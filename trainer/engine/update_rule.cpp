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

#include "trainer/engine/optimizer.h"

namespace lodestone {

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

const std::vector<UpdateRule>& rules() {
  static const std::vector<UpdateRule> all = {
      {"adamw", {"beta1", "beta2", "epsilon"}, true, adamw},
      {"sgd", {"momentum", "nesterov"}, false, sgd},
      {"lars", {"momentum", "trust_coefficient"}, false, lars},
      {"lamb", {"beta1", "beta2", "epsilon"}, true, lamb},
  };
  return all;
}

bool reads(const UpdateRule& rule, std::string_view setting) {
  return std::ranges::find(rule.settings, setting) != rule.settings.end();
}

}  // namespace

std::vector<const char*> update_rule_names() {
  std::vector<const char*> names;
  for (const auto& rule : rules()) names.push_back(rule.name);
  return names;
}

std::string rules_that_read(const char* setting, const std::string& name) {
  std::string names;
  for (const auto& rule : rules()) {
    if (!reads(rule, setting)) continue;
    if (name == rule.name) return "";
    names += (names.empty() ? "" : " or ") + std::string(rule.name);
  }
  return names;
}

const UpdateRule& update_rule(const std::string& name) {
  std::string names;
  for (const auto& rule : rules()) {
    if (name == rule.name) return rule;
    names += (names.empty() ? "" : ", ") + std::string(rule.name);
  }
  throw ConfigError("optimizer.name: expected one of " + names + ", got '" + name + "'");
}

}  // namespace lodestone
