#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "trainer/encoders/encoder.h"

namespace lodestone::encoders {

/// Writes a built encoder as TorchScript, for torch.jit.load and torch::jit::load; replaces the file
/// atomically. Parameters and buffers keep their names, so state_dict() has those of the safetensors file.
/// Methods   forward(pixels_nCHW) or forward(tokens_nT, mask_nT) returns z_nD, as evaluation computes it. An
///           encoder of both has encode_image(pixels_nCHW) and encode_text(tokens_nT, mask_nT). Any number of
///           rows (also 0) and tokens.
/// Extra     each entry of `extra` becomes a file inside, for torch.jit.load's _extra_files
/// Throws    Error if the encoder cannot be traced (a TorchScript tower inside two_tower cannot), or if the
///           traced network, tried on other sizes than it was traced with, differs from the encoder by more
///           than 1e-5 of its largest number; IoError
void export_torchscript(Encoder& encoder, const InputShape& input, const std::filesystem::path& file,
                        const std::map<std::string, std::string>& extra);

}  // namespace lodestone::encoders
