#pragma once

#include <filesystem>

#include "common/safetensors_foreign.h"

namespace lodestone {

/// The file that a user's `init_from` means: a safetensors file, a *.index.json of shards, or in a folder model.safetensors or else
/// model.safetensors.index.json. Throws DataError if the folder has neither.
std::filesystem::path weights_file(const std::filesystem::path& init_from);

/// All tensors of such a file, those of all shards together.
/// Cost      memory of one shard beside the tensors
/// Throws    DataError naming file and tensor: what is no safetensors file (a pickle, say; the message tells how to turn it into
///           one), a shard that's missing, or that lacks a tensor of the index; IoError if it can't be read
ForeignTensors read_weights(const std::filesystem::path& file);

}  // namespace lodestone
