#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "trainer/coordinator/checkpoints/checkpoint.h"

// What saving, loading and verifying checkpoints share; not for other folders.
namespace lodestone {

constexpr const char* kStateFile = "state.json";
constexpr const char* kConfigFile = "config.yaml";
constexpr const char* kTensorSuffix = ".safetensors";

/// "step-00000100"
std::string step_name(int64_t step);
/// The step of such a name, or -1.
int64_t step_of(std::string_view name);

/// Reads each file of a checkpoint, one at a time, compares it with the manifest and hands those that are
/// whole to `use`. Damage is in the report.
CheckpointReport read_checkpoint_files(
    const std::filesystem::path& path,
    const std::function<void(const std::string& file, std::string_view bytes)>& use);

}  // namespace lodestone
