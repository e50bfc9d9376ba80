#include "trainer/run/own_weights.h"

#include "common/error.h"
#include "common/yaml.h"
#include "trainer/coordinator/checkpoints/run_folder.h"

namespace lodestone::run {

namespace {

std::string scalar_at(const ConfigNodePtr& node, std::string_view key) {
  const ConfigNodePtr value = node->find(key);
  return value ? value->scalar : "";
}

// Of the settings of an encoder: whether files that they name have weights for all of it. The files of two
// towers have no projections.
bool names_all_weights(const ConfigNodePtr& encoder) {
  const std::string name = scalar_at(encoder, "name");
  if (!scalar_at(encoder, "init_from").empty()) return true;
  if (name == "torchscript") return !scalar_at(encoder, "file").empty();
  return name == "two_tower" && scalar_at(encoder, "embedding") == "0" &&
         names_all_weights(encoder->find("image")) && names_all_weights(encoder->find("text"));
}

bool is_complete(const encoders::WeightsReport& report) {
  return report.missing.empty() && report.unfit.empty() && report.new_head.empty();
}

}  // namespace

void check_has_weights(const RunConfig& config, const std::string& file) {
  if (names_all_weights(parse_yaml(write_settings(config), file)->find("encoder"))) return;
  throw ConfigError(file + ": expected a configuration whose encoder has weights, got " +
                    config.encoder.name() +
                    ", which starts at random; train it, or name its weights with encoder.init_from");
}

std::vector<std::string> load_own_weights(const RunConfig& config) {
  std::vector<std::string> sentences;
  for (const encoders::WeightsReport& report : config.encoder->load_initial_weights()) {
    if (!is_complete(report))
      throw ConfigError(
          "encoder.init_from: expected weights for all of the encoder, since nothing trains it, got " +
          report.sentence() + "; train it, or choose the head and sizes that the file has");
    sentences.push_back(report.sentence());
  }
  return sentences;
}

TensorMap weights_of(const encoders::Parameters& parameters) {
  TensorMap tensors;
  for (const auto* list : {&parameters.learned(), &parameters.buffers()})
    for (const auto& parameter : *list) tensors[parameter.name] = parameter.tensor.detach();
  return tensors;
}

std::string trained_elsewhere(const RunConfig& config, const std::string& file) {
  const coordinator::RunFolder folder(config.run_dir);
  if (!folder.holds_run()) return "";
  return file + " stands for the weights that it names; those that were trained with it are in " +
         folder.root().string();
}

}  // namespace lodestone::run
