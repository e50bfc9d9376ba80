#include "trainer/encoders/parameters.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <fnmatch.h>

#include "common/error.h"
#include "common/rng.h"

namespace lodestone::encoders {

namespace {

// FNV-1a: a stable key for a name.
uint64_t name_key(const std::string& name) {
  uint64_t key = 0xcbf29ce484222325;
  for (const unsigned char c : name) key = (key ^ c) * 0x100000001b3;
  return key;
}

template <typename Draw>
at::Tensor filled(at::IntArrayRef sizes, Draw draw) {
  at::Tensor value = at::empty(sizes);
  float* data = value.mutable_data_ptr<float>();
  for (int64_t i = 0; i < value.numel(); ++i) data[i] = static_cast<float>(draw());
  return value;
}

double fan_in(at::IntArrayRef sizes) {
  double product = 1;
  for (size_t i = 1; i < sizes.size(); ++i) product *= static_cast<double>(sizes[i]);
  return product;
}

}  // namespace

std::vector<at::Tensor> tensors_of(const std::vector<Parameter>& parameters, ParameterRole role) {
  std::vector<at::Tensor> tensors;
  for (const auto& parameter : parameters)
    if (parameter.role == role) tensors.push_back(parameter.tensor);
  return tensors;
}

at::Tensor Parameters::uniform(const std::string& name, at::IntArrayRef sizes) {
  Random random(seed_, Purpose::kInit, name_key(name));
  const double bound = 1.0 / std::sqrt(fan_in(sizes));
  return add(name, filled(sizes, [&] { return random.uniform(-bound, bound); }), true);
}

at::Tensor Parameters::he_normal(const std::string& name, at::IntArrayRef sizes) {
  return he_normal(name, sizes, fan_in(sizes));
}

at::Tensor Parameters::he_normal_out(const std::string& name, at::IntArrayRef sizes) {
  return he_normal(name, sizes,
                   fan_in(sizes) / static_cast<double>(sizes[1]) * static_cast<double>(sizes[0]));
}

at::Tensor Parameters::normal(const std::string& name, at::IntArrayRef sizes, double deviation, bool decays) {
  Random random(seed_, Purpose::kInit, name_key(name));
  const auto draw = [&] {
    double value = random.normal();
    while (std::abs(value) > 2) value = random.normal();
    return deviation * value;
  };
  return add(name, filled(sizes, draw), decays);
}

at::Tensor Parameters::constant(const std::string& name, at::IntArrayRef sizes, double value) {
  return add(name, at::full(sizes, value), false);
}

at::Tensor Parameters::buffer(const std::string& name, at::IntArrayRef sizes, double value) {
  buffers_.push_back({name, at::full(sizes, value), false, ParameterRole::kRunningStatistic, tower_});
  return buffers_.back().tensor;
}

void Parameters::adopt(const Parameter& parameter) {
  (parameter.role == ParameterRole::kLearned ? learned_ : buffers_).push_back(parameter);
}

void Parameters::adopt(const std::string& tower, const Parameters& inner) {
  for (const auto* list : {&inner.learned_, &inner.buffers_})
    for (Parameter parameter : *list) {
      parameter.name = tower + "." + parameter.name;
      parameter.tower = tower;
      adopt(parameter);
    }
}

void Parameters::freeze(const std::vector<std::string>& globs) {
  for (const auto& glob : globs) {
    const auto stays = [&](const Parameter& p) { return ::fnmatch(glob.c_str(), p.name.c_str(), 0) != 0; };
    const auto frozen = std::stable_partition(learned_.begin(), learned_.end(), stays);
    if (frozen == learned_.end())
      throw ConfigError("encoder.frozen: expected globs of parameter names, got '" + glob +
                        "', which matches none that is still trained; names are like '" +
                        (learned_.empty() ? "" : learned_.front().name) + "'");
    for (auto parameter = frozen; parameter != learned_.end(); ++parameter) {
      parameter->tensor.requires_grad_(false);
      parameter->role = ParameterRole::kFrozen;
      buffers_.push_back(*parameter);
    }
    learned_.erase(frozen, learned_.end());
  }
  if (learned_.empty() && !globs.empty())
    throw ConfigError(
        "encoder.frozen: expected some parameters to stay trained, got globs that match all; leave some out");
}

int64_t Parameters::count() const {
  int64_t total = 0;
  for (const auto& parameter : learned_) total += parameter.tensor.numel();
  return total;
}

void Parameters::convert(at::ScalarType dtype, at::Device device) {
  // set_data keeps the handles that layers hold.
  for (auto* list : {&learned_, &buffers_})
    for (auto& parameter : *list) parameter.tensor.set_data(parameter.tensor.detach().to(device, dtype));
}

at::Tensor Parameters::he_normal(const std::string& name, at::IntArrayRef sizes, double fan) {
  Random random(seed_, Purpose::kInit, name_key(name));
  const double deviation = std::sqrt(2.0 / fan);
  return add(name, filled(sizes, [&] { return deviation * random.normal(); }), true);
}

at::Tensor Parameters::add(const std::string& name, at::Tensor value, bool decays) {
  value.requires_grad_(true);
  learned_.push_back({name, value, decays, ParameterRole::kLearned, tower_});
  return value;
}

}  // namespace lodestone::encoders
