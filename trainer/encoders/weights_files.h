#pragma once

#include <filesystem>

#include "common/safetensors_foreign.h"

namespace lodestone::encoders {

/// The file that the setting `init_from` refers to: a safetensors file, a *.index.json of shards, or in a
/// folder model.safetensors or else model.safetensors.index.json. Throws DataError if the folder has neither.
std::filesystem::path weights_file(const std::filesystem::path& init_from);

/// Reads all tensors of such a file, or of all its shards.
/// Cost      memory of one shard besides the tensors
/// Throws    DataError naming file and tensor if the file is not safetensors (a pickle, say; the message says
///           how to convert it), or if a shard is missing or lacks a tensor of the index; IoError if it
///           cannot be read
ForeignTensors read_weights(const std::filesystem::path& file);

}  // namespace lodestone::encoders
