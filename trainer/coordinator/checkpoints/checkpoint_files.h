#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "trainer/coordinator/checkpoints/checkpoint.h"

// What saving, loading and verifying checkpoints share; not for other folders.
namespace lodestone::coordinator {

constexpr const char* kStateFile = "state.json";
constexpr const char* kConfigFile = "config.yaml";
constexpr const char* kTensorSuffix = ".safetensors";

/// "step-00000100"
std::string step_name(int64_t step);
/// The step in such a name, or -1 if `name` is not one.
int64_t step_of(std::string_view name);

/// Reads the files of a checkpoint one at a time, compares each with the manifest and passes the intact ones
/// to `use`. The report lists the damage.
CheckpointReport read_checkpoint_files(
    const std::filesystem::path& path,
    const std::function<void(const std::string& file, std::string_view bytes)>& use);

}  // namespace lodestone::coordinator
