#include "trainer/run/verify/encoder_passes.h"

#include <algorithm>

namespace lodestone::run {

std::vector<NamedPass> encoder_passes(const RunConfig& config, c10::Device device, int world) {
  NamedPass direct{"direct", config.training, ""};
  direct.training.micro_batch = 0;
  direct.training.determinism.kind = engine::Determinism::kWorld;

  NamedPass micro_batched = direct;
  micro_batched.name = "micro-batched";
  const int64_t rows = (config.global_batch + world - 1) / world;
  micro_batched.training.micro_batch =
      config.training.micro_batch > 0 ? config.training.micro_batch : (rows + 1) / 2;

  NamedPass canonical = direct;
  canonical.name = "canonical";
  canonical.training.determinism.kind = engine::Determinism::kCanonical;
  if (!config.training.determinism.canonical())
    canonical.training.determinism.micro_shards =
        std::max<int64_t>(world, std::min(engine::DeterminismConfig{}.micro_shards, config.global_batch / 2));

  std::vector<NamedPass> passes = {direct, micro_batched, canonical};
  for (NamedPass& pass : passes) {
    try {
      pass.training.check(device);
    } catch (const ConfigError& refused) {
      pass.refusal = refused.what();
    }
  }
  return passes;
}

}  // namespace lodestone::run
