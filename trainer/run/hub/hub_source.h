#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "common/safetensors.h"
#include "trainer/run/hub/export_record.h"
#include "trainer/run/trained_model.h"

namespace lodestone::run {

/// The original of a model, and where its weights are stored there.
struct HubSource {
  std::string kind;  ///< transformers, sentence_transformers, timm, open_clip
  std::filesystem::path folder;
  std::map<std::string, NamesInFile> files;  ///< by path in the folder, to names in `ours`
  std::optional<Adapters> adapters;
  std::string pooling;       ///< of texts, if files of sentence-transformers are to be written for it
  bool is_exported = false;  ///< by export_encoder.py; else an encoder of this library
};

/// Finds it: of exported programs by the export.json beside them, of bert, vit and resnet by the names in the
/// folder of encoder.init_from. `named` replaces that folder; empty: as found.
/// Throws    ConfigError if there is none, or if a learned weight has no name in it; DataError
HubSource hub_source(TrainedModel& model, const std::filesystem::path& named);

}  // namespace lodestone::run
