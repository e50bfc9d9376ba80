#include "trainer/engine/optimizer.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "common/choices.h"
#include "common/rng.h"
#include "common/state_handles.h"

namespace lodestone {
using namespace encoders;
using namespace engine;
namespace {

using Vector = std::vector<double>;

at::Tensor tensor_of(const Vector& values) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kDouble);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<double>());
  return tensor;
}

Parameter parameter(const std::string& name, const Vector& values, bool decays = true) {
  at::Tensor tensor = tensor_of(values).requires_grad_(true);
  return {name, tensor, decays};
}

void set_gradient(const Parameter& p, const Vector& gradient) {
  at::Tensor(p.tensor).mutable_grad() = tensor_of(gradient);
}

double norm(const Vector& v) {
  double squares = 0;
  for (const double x : v) squares += x * x;
  return std::sqrt(squares);
}

// Gradients of step t, the same for the rule and its oracle.
Vector gradient_at(int t) {
  return {0.5 * t, -0.25 * t * t, 0.1, std::cos(t)};
}

// The papers' updates, number by number. `adapts`: LARS and LAMB look at norms.
struct Oracle {
  OptimizerConfig config;
  Vector w, m = Vector(w.size(), 0.0), v = m;

  void step(const Vector& g, double rate, double decay, bool adapts, int t) {
    const size_t n = w.size();
    if (config.name == "adamw" || config.name == "lamb") {
      Vector r(n);
      for (size_t i = 0; i < n; ++i) {
        m[i] = config.beta1 * m[i] + (1 - config.beta1) * g[i];
        v[i] = config.beta2 * v[i] + (1 - config.beta2) * g[i] * g[i];
        r[i] = m[i] / (1 - std::pow(config.beta1, t)) /
               (std::sqrt(v[i] / (1 - std::pow(config.beta2, t))) + config.epsilon);
        r[i] += decay * w[i];
      }
      const double ratio = config.name == "lamb" && adapts && norm(w) > 0 ? norm(w) / norm(r) : 1.0;
      for (size_t i = 0; i < n; ++i) w[i] -= rate * ratio * r[i];
    } else if (config.name == "lars") {
      const double lambda = adapts && norm(w) > 0 && norm(g) > 0
                                ? config.trust_coefficient * norm(w) / (norm(g) + decay * norm(w))
                                : 1.0;
      for (size_t i = 0; i < n; ++i) {
        m[i] = config.momentum * m[i] + rate * lambda * (g[i] + decay * w[i]);
        w[i] -= m[i];
      }
    } else {
      for (size_t i = 0; i < n; ++i) {
        const double d = g[i] + decay * w[i];
        m[i] = config.momentum * m[i] + d;
        w[i] -= rate * (config.nesterov ? d + config.momentum * m[i] : m[i]);
      }
    }
  }
};

struct RuleCase {
  const char* name;
  bool nesterov = false;
};

class Rules : public ::testing::TestWithParam<RuleCase> {};

TEST_P(Rules, FollowThePapersUpdateNumberByNumber) {
  for (const bool decays : {true, false})
    for (const Vector& start : {Vector{2.0, -1.0, 0.5, 0.0}, Vector{0, 0, 0, 0}}) {
      OptimizerConfig config;
      config.name = GetParam().name;
      config.nesterov = GetParam().nesterov;
      config.learning_rate = 0.1;
      config.weight_decay = 0.3;
      const Parameter p = parameter("p", start, decays);
      Optimizer optimizer(config, {p});
      Oracle oracle{config, start};
      for (int t = 1; t <= 5; ++t) {
        set_gradient(p, gradient_at(t));
        optimizer.step(0.5);
        oracle.step(gradient_at(t), 0.1 * 0.5, decays ? 0.3 : 0.0, decays, t);
        for (size_t i = 0; i < start.size(); ++i)
          EXPECT_NEAR(p.tensor[static_cast<int64_t>(i)].item<double>(), oracle.w[i], 1e-9)
              << config.name << " step " << t << " element " << i;
        EXPECT_FALSE(p.tensor.grad().defined()) << "nothing of this step's gradient may be left for the next";
      }
    }
}

const std::vector<RuleCase> kCases = {{"adamw"}, {"sgd"}, {"sgd", true}, {"lars"}, {"lamb"}};

INSTANTIATE_TEST_SUITE_P(All, Rules, ::testing::ValuesIn(kCases), [](const auto& rule) {
  return std::string(rule.param.name) + (rule.param.nesterov ? "_nesterov" : "");
});

TEST(Rules, EachHasAnOracle) {
  for (const std::string name : names_of(update_rules()))
    EXPECT_TRUE(std::ranges::any_of(kCases, [&](const RuleCase& one) { return name == one.name; })) << name;
}

TEST(Rules, SayWhichSettingsTheyRead) {
  EXPECT_EQ(rules_that_read("beta1"), "adamw or lamb");
  EXPECT_EQ(rules_that_read("momentum"), "sgd or lars");
  EXPECT_TRUE(rule_reads("lars", "momentum"));
  EXPECT_FALSE(rule_reads("adamw", "momentum"));
}

// What torch.optim.AdamW (2.11, lr 0.05, weight_decay 0.3) and SGD (lr 0.05, momentum 0.9, weight_decay 0.3)
// give.
TEST(Rules, GiveTheNumbersOfTorchOptim) {
  const std::map<std::string, Vector> expected = {
      {"adamw", {1.6191104117445083, -0.7093797400137638, 0.2209966166627266, 0.024932696884679043}},
      {"sgd", {0.8456815229656248, 0.3915218416421876, 0.3414405684296875, 0.14373717412213832}},
  };
  for (const auto& [name, values] : expected) {
    OptimizerConfig config;
    config.name = name;
    config.learning_rate = 0.05;
    config.weight_decay = 0.3;
    const Parameter p = parameter("p", {2.0, -1.0, 0.5, 0.0});
    Optimizer optimizer(config, {p});
    for (int t = 1; t <= 5; ++t) {
      set_gradient(p, gradient_at(t));
      optimizer.step(1.0);
    }
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(p.tensor[static_cast<int64_t>(i)].item<double>(), values[i], 1e-12) << name << " " << i;
  }
}

TEST(Optimizer, ScalesTheJointNormAndTakesALossScaleOut) {
  OptimizerConfig config;
  config.clip_norm = 1.0;
  const Parameter a = parameter("a", {0}), b = parameter("b", {0});
  Optimizer optimizer(config, {a, b});
  set_gradient(a, {3});
  set_gradient(b, {4});
  EXPECT_DOUBLE_EQ(optimizer.clip(), 5.0);
  EXPECT_DOUBLE_EQ(a.tensor.grad().item<double>(), 0.6);
  EXPECT_DOUBLE_EQ(b.tensor.grad().item<double>(), 0.8);
  EXPECT_NEAR(optimizer.clip(), 1.0, 1e-12);

  set_gradient(a, {3 * 1024.0});
  set_gradient(b, {4 * 1024.0});
  EXPECT_DOUBLE_EQ(optimizer.clip(1024), 5.0);
  EXPECT_DOUBLE_EQ(a.tensor.grad().item<double>(), 0.6);

  set_gradient(a, {INFINITY});
  EXPECT_FALSE(std::isfinite(optimizer.clip(1024)));
}

TEST(Optimizer, LeavesFrozenParametersAloneAndKeepsNothingForThem) {
  for (const char* name : {"adamw", "sgd", "lars", "lamb"}) {
    OptimizerConfig config;
    config.name = name;
    const Parameter live = parameter("live", {1.0}), frozen = parameter("frozen", {1.0});
    at::Tensor(frozen.tensor).set_requires_grad(false);
    Optimizer optimizer(config, {frozen, live});
    set_gradient(live, {1});
    set_gradient(frozen, {1});
    EXPECT_DOUBLE_EQ(optimizer.clip(), 1.0);
    optimizer.step(1.0);
    EXPECT_EQ(frozen.tensor.item<double>(), 1.0);
    EXPECT_NE(live.tensor.item<double>(), 1.0);
    StateHandles handles;
    optimizer.visit_state(handles, "optimizer");
    EXPECT_FALSE(handles.groups["optimizer"].contains("frozen.first"));
    EXPECT_TRUE(handles.groups["optimizer"].contains("live.first"));
  }
}

TEST(Optimizer, GivesEachParameterItsOwnRateAndDecay) {
  OptimizerConfig config;
  config.name = "sgd";
  config.momentum = 0;
  config.learning_rate = 0.1;
  config.weight_decay = 0.5;
  config.tuning.learning_rates = {"backbone.*=0.5", "backbone.stem=0"};
  config.tuning.no_decay = {"*.table"};
  std::vector<Parameter> all;
  for (const char* name : {"backbone.stem", "backbone.a.weight", "head.table", "head.weight"}) {
    all.push_back(parameter(name, {1.0}));
    set_gradient(all.back(), {1.0});
  }
  Optimizer(config, all).step(1.0);
  const auto value = [&](size_t i) { return all[i].tensor.item<double>(); };
  EXPECT_DOUBLE_EQ(value(0), 1.0);
  EXPECT_DOUBLE_EQ(value(1), 1.0 - 0.05 * 1.5);
  EXPECT_DOUBLE_EQ(value(2), 1.0 - 0.1);
  EXPECT_DOUBLE_EQ(value(3), 1.0 - 0.1 * 1.5);
}

TEST(Tuning, LowersTheRateLayerByLayer) {
  ParameterTuning tuning;
  tuning.layer_decay = 0.5;
  const auto rates = [&](const std::vector<std::string>& names, bool towers = false) {
    std::vector<Parameter> all;
    for (const auto& name : names) {
      all.push_back(parameter(name, {0}));
      if (towers) all.back().tower = name.substr(0, name.find('.'));
    }
    Vector factors;
    for (const Tuned& tuned : tune(tuning, all)) factors.push_back(tuned.rate);
    return factors;
  };
  EXPECT_EQ(rates({"embeddings.word.weight", "encoder.layer.0.w", "encoder.layer.0.b", "encoder.layer.1.w",
                   "pooler.weight"}),
            (Vector{0.125, 0.25, 0.25, 0.5, 1.0}));
  EXPECT_EQ(
      rates({"conv1.weight", "layer1.0.conv1.weight", "layer1.1.conv1.weight", "layer2.0.conv1.weight"}),
      (Vector{0.125, 0.25, 0.5, 1.0}));
  EXPECT_EQ(rates({"image.conv1.weight", "image.layer1.0.w", "text.embeddings.w", "text.encoder.layer.0.w",
                   "text.encoder.layer.1.w", "image.projection.weight", "text.projection.weight"},
                  /*towers=*/true),
            (Vector{0.25, 0.5, 0.125, 0.25, 0.5, 1.0, 1.0}));
  EXPECT_EQ(rates({"weight", "bias"}), (Vector{1.0, 1.0}));
}

TEST(Tuning, RefusesWhatFitsNothing) {
  const std::vector<Parameter> all = {parameter("head.weight", {0})};
  const auto refused = [&](const ParameterTuning& tuning) {
    try {
      tune(tuning, all);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refused({{"body.*=0.1"}, {}, 1.0}).find("body.*"), std::string::npos);
  EXPECT_NE(refused({{}, {"*.norm"}, 1.0}).find("*.norm"), std::string::npos);
  for (const char* text : {"head.*", "head.*=", "head.*=fast", "head.*=-1", "=1", "head.*=nan", "head.*=1x"})
    EXPECT_NE(refused({{text}, {}, 1.0}).find("pattern=factor"), std::string::npos) << text;
}

TEST(Optimizer, RefusesNesterovWithoutMomentum) {
  OptimizerConfig config;
  config.nesterov = true;
  EXPECT_THROW(Optimizer(config, {parameter("p", {0})}), ConfigError);
  config.name = "sgd";
  config.momentum = 0;
  EXPECT_THROW(Optimizer(config, {parameter("p", {0})}), ConfigError);
}

}  // namespace
}  // namespace lodestone
