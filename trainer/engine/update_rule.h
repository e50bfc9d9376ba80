#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace lodestone::engine {

struct OptimizerConfig;

/// Parameters w with equal settings, their gradients g and moments: vectors of equal length.
struct UpdateGroup {
  double rate = 0;     ///< γ, learning rate times schedule times the group's factor
  double decay = 0;    ///< β
  bool adapts = true;  ///< for LARS and LAMB: the rate depends on norms
  std::vector<at::Tensor> values, gradients, first, second, steps;

  bool empty() const { return values.empty(); }
};

/// A rule that turns gradients into updates. AdamW and SGD use ATen's fused kernels.
/// adamw     Loshchilov & Hutter 2019: w -= γβw, then m = β1 m + (1-β1) g, v = β2 v + (1-β2) g²,
///           w -= γ (m / (1-β1^t)) / (sqrt(v / (1-β2^t)) + ε)
/// sgd       m = μ m + g + βw; w -= γ m, or γ (g + βw + μ m) with Nesterov's momentum
/// lars      You, Gitman & Ginsburg 2017, algorithm 1: λ = η |w| / (|g| + β|w|), m = μ m + γ λ (g + βw),
///           w -= m
/// lamb      You et al. 2020, algorithm 2: r = adam's direction, u = r + βw, w -= γ (|w| / |u|) u
///
/// A ratio of norms is 1 where a norm is 0, and for parameters without weight decay (norms and biases), as in
/// the code of both papers' authors.
struct UpdateRule {
  const char* name;
  /// Keys of OptimizerConfig that this rule reads, apart from those that every rule has. A key that only
  /// other rules read is refused.
  std::vector<const char*> settings;
  bool squares;  ///< keeps second moments and counts steps; every rule keeps first moments
  void (*apply)(const OptimizerConfig& config, UpdateGroup& group);
};

/// All rules, in the order in which help lists them.
std::span<const UpdateRule> update_rules();

/// The keys that only some rules read, each once.
std::vector<const char*> rule_settings();

/// Whether the rule of this name reads the key; false for an unknown name.
bool rule_reads(std::string_view name, std::string_view setting);

/// The names of the rules that read this key, as text: "adamw or lamb".
std::string rules_that_read(std::string_view setting);

/// The rule of that name. Throws ConfigError for an unknown name.
const UpdateRule& update_rule(const std::string& name);

}  // namespace lodestone::engine
