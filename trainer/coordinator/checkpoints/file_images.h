#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/safetensors_plan.h"
#include "common/tensor_groups.h"

namespace lodestone::coordinator {

/// Copies of groups of tensors in host memory, laid out as the bytes of their safetensors files, so that
/// writing them needs no further copy. The next fill of the same sizes reuses the buffers. They are
/// page-locked if the tensors are on a CUDA device.
/// Memory    the bytes of all files, for the lifetime of the object
class FileImages {
 public:
  struct Image {
    SafetensorsPlan plan;  ///< the layout of the file, without the tensors
    at::Tensor buffer;     ///< bytes; may be longer than the plan needs

    std::string_view bytes() const;
  };

  /// Copies all tensors; they may change once it returns.
  /// Cost      one pass over the bytes once the buffers exist
  /// Throws    CheckpointError if a tensor cannot be stored
  void fill(const TensorGroups& groups);
  /// The images by group name.
  const std::map<std::string, Image>& images() const { return images_; }

 private:
  std::map<std::string, Image> images_;
};

}  // namespace lodestone::coordinator
