#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/safetensors.h"
#include "common/safetensors_plan.h"

namespace lodestone {

/// Groups of tensors copied to host memory as the bytes of their safetensors files, so that what is written needs no further copy.
/// The buffers are used again by the next fill of the same sizes, and are page-locked where the tensors lie on a CUDA device.
/// Memory    the bytes of all files, for as long as the object lives
class FileImages {
 public:
  struct Image {
    SafetensorsPlan plan;  ///< holds no tensors any more
    at::Tensor buffer;     ///< bytes; longer than the plan's perhaps

    std::string_view bytes() const;
  };

  /// Copies everything; when it returns, the tensors may change. Takes one pass over the bytes once the buffers are there.
  /// Throws CheckpointError if a tensor can't be stored.
  void fill(const std::map<std::string, TensorMap>& groups);
  /// By group.
  const std::map<std::string, Image>& images() const { return images_; }

 private:
  std::map<std::string, Image> images_;
};

}  // namespace lodestone
