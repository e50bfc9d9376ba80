#include "trainer/encoders/initial_weights.h"

#include <algorithm>
#include <set>

#include <ATen/core/grad_mode.h>

#include "common/keys_without_effect.h"
#include "common/paths.h"
#include "common/printable.h"
#include "trainer/encoders/weight_names.h"
#include "trainer/encoders/weights_files.h"

namespace lodestone::encoders {

namespace {

std::string shape_text(const at::Tensor& x) {
  std::string text = "[";
  for (const int64_t size : x.sizes()) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

// Formats a list: its size, the first few names, and how many more. The file's author chose the names, so
// they are untrusted.
std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kShown = 6;
  std::string text = std::to_string(names.size()) + " (";
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i ? ", " : "") + printable(names[i]);
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
  return text + ")";
}

/// Pairs the tensors of a file with an encoder's parameters.
class Matching {
 public:
  Matching(const Parameters& parameters, const std::string& file, const InitialWeights::Adapt& adapt)
      : adapt_(adapt), file_(read_weights(file)) {
    for (const auto* list : {&parameters.learned(), &parameters.buffers()})
      parameters_.insert(parameters_.end(), list->begin(), list->end());
    for (const Parameter& parameter : parameters_)
      if (!parameter.tower.empty()) towers_.insert(parameter.tower);
    report_.file = file;
  }

  WeightsReport match(const std::string& prefix) {
    std::set<std::string> ours;
    for (const auto& parameter : parameters_) ours.insert(parameter.name);
    std::vector<std::string> theirs;
    for (const auto& [name, tensor] : file_.tensors) theirs.push_back(name);
    for (const auto& [name, type] : file_.unreadable) theirs.push_back(name);
    const WeightNames names = match_names(ours, theirs, prefix);
    report_.prefix = names.prefix;
    report_.older = names.older;
    for (const auto& parameter : parameters_) {
      const auto found = names.theirs.find(parameter.name);
      if (found == names.theirs.end()) {
        (is_of_head(parameter.name, "", towers_) ? report_.new_head : report_.missing)
            .push_back(parameter.name);
      } else {
        take(parameter, found->second);
      }
    }
    for (const auto& name : names.left_over) leave_out(name, names.prefix);
    return report_;
  }

  void copy() const {
    for (const auto& [tensor, value] : copies_) at::Tensor(tensor).detach().copy_(value);
  }

 private:
  void leave_out(const std::string& name, const std::string& prefix) {
    const auto tensor = file_.tensors.find(name);
    if (tensor == file_.tensors.end() || !tensor->second.is_floating_point())
      return report_.no_weights.push_back(name);  // counters, positions, masks
    (is_of_head(name, prefix, towers_) ? report_.head_left_out : report_.unexpected).push_back(name);
  }

  void take(const Parameter& parameter, const std::string& name) {
    const auto refuse = [&](const std::string& why) {
      (is_of_head(parameter.name, "", towers_) ? report_.new_head : report_.unfit)
          .push_back(parameter.name + " (theirs " + why + ")");
    };
    if (const auto type = file_.unreadable.find(name); type != file_.unreadable.end())
      return refuse(printable(type->second) + ", which is not read here");
    const at::Tensor& theirs = file_.tensors.at(name);
    // Integers are quantised values whose scale is elsewhere.
    if (!theirs.is_floating_point())
      return refuse(std::string("of whole numbers, as in a quantised model: ") +
                    c10::toString(theirs.scalar_type()));
    const at::Tensor value = adapt_(parameter.name, theirs);
    if (value.sizes() != parameter.tensor.sizes())
      return refuse(shape_text(theirs) + ", ours " + shape_text(parameter.tensor));
    copies_.emplace_back(parameter.tensor, value);
    report_.matched.push_back(parameter.name);
  }

  const InitialWeights::Adapt& adapt_;
  ForeignTensors file_;
  std::vector<Parameter> parameters_;
  std::set<std::string, std::less<>> towers_;
  std::vector<std::pair<at::Tensor, at::Tensor>> copies_;
  WeightsReport report_;
};

// model-00001-of-00003.safetensors
bool is_shard(const std::string& file) {
  return file.find("-of-") != std::string::npos;
}

[[noreturn]] void refuse(const WeightsReport& report) {
  std::string message = "encoder.init_from: expected the weights of this encoder, got " + report.sentence();
  const auto parts = foreign_parts(report.unexpected, report.missing);
  for (size_t i = 0; i < parts.size(); ++i)
    message += (i ? ", " : "; the file is of another kind of network, one with ") + parts[i];
  if (is_shard(report.file)) message += "; the file is one shard of several: name the *.index.json beside it";
  message +=
      "; choose the encoder and sizes that match the file, or set init_prefix to the prefix of the encoder's "
      "names in it";
  if (!report.matched.empty())
    message += ", or init_partial: true to start with the tensors that fit and leave the rest at random";
  throw ConfigError(message);
}

}  // namespace

std::string WeightsReport::sentence() const {
  std::string text = file + ": " + std::to_string(matched.size()) + " tensors matched";
  if (!prefix.empty()) text += " behind '" + printable(prefix) + "'";
  if (older > 0) text += ", " + std::to_string(older) + " by an older name";
  const auto add = [&text](const char* what, const std::vector<std::string>& names) {
    if (!names.empty()) text += std::string("; ") + what + ": " + listed(names);
  };
  add("not in the file, so they start at random", missing);
  add("of another shape or type, so they start at random", unfit);
  add("in the file, but not in the encoder", unexpected);
  add("of the encoder's head, which starts at random", new_head);
  add("of a head in the file, which is left out", head_left_out);
  add("in the file, but not weights", no_weights);
  return text;
}

void InitialWeights::visit(Fields& f) {
  f.field(
      {.name = "init_from",
       .doc = "weights to start from, by parameter name: a safetensors file, a *.index.json of shards, or a "
              "folder with either; empty starts at random",
       .unit = kPathUnit},
      &init_from);
  if (init_from.empty())
    without_effect(f, {"init_prefix", "init_partial"},
                   "without init_from; name the weights, or leave it out");
  f.field({.name = "init_prefix",
           .doc = "prefix of the encoder's names in that file; tensors with other names are ignored; empty: "
                  "detected"},
          &init_prefix);
  f.field(
      {.name = "init_partial",
       .doc = "true: start with the tensors that fit, even if others are missing, left over or of another "
              "shape; false: that is an error, except for those of a head"},
      &init_partial);
}

WeightsReport InitialWeights::load(Parameters& parameters, const Adapt& adapt) const {
  at::NoGradGuard no_grad;
  Matching matching(parameters, weights_file(init_from), adapt);
  const WeightsReport report = matching.match(init_prefix);
  if (report.matched.empty() || (!report.whole() && !init_partial)) refuse(report);
  matching.copy();
  return report;
}

}  // namespace lodestone::encoders
