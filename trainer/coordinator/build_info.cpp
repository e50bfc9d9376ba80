#include "trainer/coordinator/build_info.h"

#include <torch/version.h>

namespace lodestone::coordinator {

std::string lodestone_version() {
  return LODESTONE_VERSION;
}

std::string libtorch_version() {
  return TORCH_VERSION;
}

}  // namespace lodestone::coordinator
