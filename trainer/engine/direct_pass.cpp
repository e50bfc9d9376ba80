#include "trainer/engine/direct_pass.h"

#include "trainer/engine/forward_pass.h"

namespace lodestone::engine {

DirectPass::DirectPass(const distributed::Group& world, encoders::Encoder& encoder, int64_t micro_batch,
                       Precision precision)
    : world_(world),
      learned_(encoders::tensors_of(encoder.parameters().learned(), encoders::ParameterRole::kLearned)),
      sync_(world, learned_),
      cache_(encoder, sync_, micro_batch, precision) {}

at::Tensor DirectPass::encode(const Features& x, const encoders::ForwardMode& mode, sampler::Range share,
                              int64_t) {
  return cache_.encode(x, mode_for_share(mode, share)).detach();
}

void DirectPass::backward(const at::Tensor& gradient_bD) {
  for (const at::Tensor& parameter : learned_) parameter.mutable_grad().reset();
  cache_.backward(gradient_bD);
}

}  // namespace lodestone::engine
