#include "trainer/engine/direct_pass.h"

#include <utility>

#include "trainer/engine/forward_pass.h"

namespace lodestone {

DirectPass::DirectPass(const Group& world, Encoder& encoder, int64_t micro_batch, std::string precision)
    : world_(world),
      sync_(world, tensors_of(encoder.parameters().learned(), ParameterRole::kLearned)),
      cache_(encoder, sync_, micro_batch, std::move(precision)) {}

at::Tensor DirectPass::encode(const Features& x, const ForwardMode& mode, Range share, int64_t) {
  return cache_.encode(x, mode_for_share(mode, share)).detach();
}

}  // namespace lodestone
