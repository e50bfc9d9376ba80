#pragma once

#include <memory>
#include <string>

#include "sampler/codecs/decode.h"
#include "sampler/dataset.h"

namespace lodestone::sampler {

/// Opens IDX files, the format of MNIST. `path` is the file of images (magic 0x00000803); the labels
/// (0x00000801) are beside it, under the same name with "images-idx3" replaced by "labels-idx1". Names that
/// end in .gz are decompressed. Classes are named by their number.
/// Cost      the image file is read once and kept in memory; at most 16 GiB.
/// Throws    DataError naming file and offset if a file is missing, damaged, truncated or has another magic,
///           or the two files disagree.
std::shared_ptr<const ImageDataset> open_idx(const std::string& path, const DecodeOptions& decode);

}  // namespace lodestone::sampler
