#pragma once

#include <filesystem>
#include <string>

#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// What a model card says beside what the checkpoint and its run know.
struct CardFacts {
  std::string file;     ///< name of the exported file
  std::string format;   ///< safetensors or torchscript
  std::string license;  ///< SPDX name; empty: not stated
  std::string data_license;
  std::filesystem::path
      measures;  ///< what `evaluate --json` wrote; empty: the run's own last evaluation up to the checkpoint's step
};

/// A model card in Markdown, under the YAML head that model hubs read: what the encoder is and takes, how to load it, its measures beside
/// the floor, the data, the threshold, the configuration that made it, the licences.
/// Leaves out what says where it was trained: the ranks, the endpoints, the folders of the run. Data is named as the configuration does.
/// Requires  config.encoder to be built
/// Throws    DataError if `measures` can't be understood
std::string model_card(RunConfig& config, const Checkpoint& checkpoint, const CardFacts& facts);

}  // namespace lodestone
