#include "trainer/encoders/initial_weights.h"

#include <map>

#include <ATen/core/grad_mode.h>

#include "common/paths.h"
#include "common/safetensors.h"

namespace lodestone {

namespace {

// What other frameworks save beside the weights: counters and position numbers that nothing here depends on.
bool is_bookkeeping(const std::string& name) {
  return name.ends_with("num_batches_tracked") || name.ends_with("position_ids");
}

std::string shape_text(const at::Tensor& x) {
  std::string text = "[";
  for (const int64_t size : x.sizes()) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

// The first few and how many more.
std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kShown = 6;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

TensorMap read_file_of(const std::string& path, const std::string& prefix) {
  TensorMap kept;
  try {
    for (const auto& [name, tensor] : read_safetensors(path))
      if (name.starts_with(prefix) && !is_bookkeeping(name)) kept[name.substr(prefix.size())] = tensor;
  } catch (const CheckpointError&) {
    std::throw_with_nested(DataError("encoder.init_from: expected a safetensors file, got " + path +
                                     ", which can't be read as one"));
  }
  return kept;
}

}  // namespace

std::string WeightsReport::sentence() const {
  std::string text = file + ": " + std::to_string(matched.size()) + " tensors matched";
  if (!missing.empty()) text += "; not in the file, so they start at random: " + listed(missing);
  if (!other_shape.empty()) text += "; of another shape, so they start at random: " + listed(other_shape);
  if (!unexpected.empty()) text += "; in the file, but not in the encoder: " + listed(unexpected);
  return text;
}

void InitialWeights::visit(Fields& f) {
  f.field(
      {"init_from",
       "a safetensors file with weights to start from, by parameter name; empty starts at random", kPathUnit},
      &init_from);
  f.field({"init_prefix",
           "the encoder's names in that file begin with this; tensors with other names are passed over"},
          &init_prefix);
}

WeightsReport InitialWeights::load(Parameters& parameters, const Adapt& adapt) const {
  at::NoGradGuard no_grad;
  TensorMap theirs = read_file_of(init_from, init_prefix);
  WeightsReport report{init_from, {}, {}, {}, {}};
  for (const auto* list : {&parameters.learned(), &parameters.buffers()})
    for (const auto& parameter : *list) {
      const auto found = theirs.find(parameter.name);
      if (found == theirs.end()) {
        report.missing.push_back(parameter.name);
        continue;
      }
      const at::Tensor value = adapt(parameter.name, found->second);
      if (value.sizes() == parameter.tensor.sizes()) {
        parameter.tensor.detach().copy_(value);
        report.matched.push_back(parameter.name);
      } else {
        report.other_shape.push_back(parameter.name + " (theirs " + shape_text(found->second) + ", ours " +
                                     shape_text(parameter.tensor) + ")");
      }
      theirs.erase(found);
    }
  for (const auto& [name, tensor] : theirs) report.unexpected.push_back(name);
  if (report.matched.empty())
    throw ConfigError(
        "encoder.init_from: expected weights of this encoder, got " + report.sentence() +
        "; choose the encoder that the file is of, or set init_prefix to what its names begin with");
  return report;
}

}  // namespace lodestone
