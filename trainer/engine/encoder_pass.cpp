#include "trainer/engine/encoder_pass.h"

#include "trainer/engine/canonical_pass.h"
#include "trainer/engine/direct_pass.h"

namespace lodestone::engine {

std::unique_ptr<EncoderPass> make_encoder_pass(const distributed::Group& world, encoders::Encoder& encoder,
                                               const PassOptions& options) {
  if (options.micro_shards > 0)
    return std::make_unique<CanonicalPass>(world, encoder, options.micro_shards, options.precision);
  return std::make_unique<DirectPass>(world, encoder, options.micro_batch, options.precision);
}

}  // namespace lodestone::engine
