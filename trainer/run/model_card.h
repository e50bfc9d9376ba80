#pragma once

#include <filesystem>
#include <string>

#include "trainer/run/trained_model.h"

namespace lodestone::run {

enum class ExportFormat { kSafetensors, kTorchscript, kHuggingFace };
inline constexpr Choice<ExportFormat> kExportFormats[] = {{"safetensors", ExportFormat::kSafetensors},
                                                          {"torchscript", ExportFormat::kTorchscript},
                                                          {"huggingface", ExportFormat::kHuggingFace}};

/// Contents of a model card that are not known to the model and its run.
struct CardFacts {
  /// Name of the exported file.
  std::string file;
  /// Lines of Python that load it; empty: those of the format
  std::string python = {};
  ExportFormat format = ExportFormat::kSafetensors;
  /// SPDX name; empty: not stated
  std::string license;
  std::string data_license;
  /// Output file of `evaluate --json`; empty: the run's last evaluation up to the checkpoint's step.
  std::filesystem::path metrics;
};

/// A model card in Markdown with the YAML header that model hubs read: what the encoder is and its input, how
/// to load it, its metrics next to the baseline's, the data, the threshold, the configuration that trained
/// it, the licences. Settings that only say where it was trained (ranks, endpoints, the folders of the run)
/// are left out. The data is named as in the configuration.
/// Requires  the model is built
/// Throws    DataError if `metrics` cannot be parsed
std::string model_card(TrainedModel& model, const CardFacts& facts);

}  // namespace lodestone::run
