#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <ATen/core/Tensor.h>

#include "common/fields.h"
#include "trainer/run/trained_model.h"

namespace lodestone::run {

enum class AdapterForm { kMerged, kAlone };
inline constexpr Choice<AdapterForm> kAdapterForms[] = {{"merged", AdapterForm::kMerged},
                                                        {"alone", AdapterForm::kAlone}};
inline constexpr Choice<at::ScalarType> kWeightTypes[] = {
    {"float32", at::kFloat}, {"bfloat16", at::kBFloat16}, {"float16", at::kHalf}};

/// What a model's folder is made of.
struct FolderOptions {
  /// The folder of the original model; empty: as export.json or init_from says.
  std::filesystem::path source;
  at::ScalarType type = at::kFloat;
  uint64_t shard_bytes = uint64_t{5} << 30;
  AdapterForm adapters = AdapterForm::kMerged;
};

/// A folder that was written.
struct ModelFolder {
  std::string python;  ///< lines that load it
  std::string left;    ///< what of the original was not copied, as a sentence; "" if nothing
};

/// Writes a folder that transformers, sentence-transformers, timm or open_clip load: the original model's
/// settings and tokenizer, and its weights with the trained ones in place of those that they began as. The
/// folder appears whole under its name.
/// Requires  the model is built
/// Throws    ConfigError if the original is not known or lacks a place for a learned weight, or if `folder`
///           is not new or empty; DataError if the original's files cannot be read; IoError
ModelFolder write_model_folder(TrainedModel& model, const FolderOptions& options,
                               const std::filesystem::path& folder);

}  // namespace lodestone::run
