#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "common/safetensors.h"
#include "trainer/run/hub/export_record.h"

namespace lodestone::run {

/// The tensors of a file of weights of a model's folder with those replaced that `names` has parameters of
/// `ours` for. Floating-point tensors become `type`.
/// Throws    DataError for a file that cannot be read or is quantised, for a tensor whose shape is another
///           than its parameter's, and if a parameter is absent
TensorMap with_trained_weights(const std::filesystem::path& file, const NamesInFile& names,
                               const TensorMap& ours, at::ScalarType type);

/// Replaces the base weight of each adapted layer in `ours` by what the layer computes with. Throws DataError
/// if a layer lacks one of its tensors.
void merge_adapters(const Adapters& adapters, TensorMap& ours);
/// The adapters alone, as peft names them.
TensorMap adapters_alone(const Adapters& adapters, const TensorMap& ours, at::ScalarType type);

/// Writes tensors to the file, or, if they take more than `shard_bytes`, as shards of that size (of one
/// tensor, if it is larger) with FILE.index.json. Metadata say that they are PyTorch's. Throws IoError.
void write_weights(const std::filesystem::path& file, const TensorMap& tensors, uint64_t shard_bytes);

}  // namespace lodestone::run
