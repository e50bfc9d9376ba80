#include "trainer/engine/still_watch.h"

#include <cmath>

#include "sampler/samplers/sampler_config.h"

namespace lodestone::engine {

StillWatch::Reason StillWatch::reason_of(const StepMetrics& metrics) {
  if (!std::isfinite(metrics.loss)) return Reason::kNone;
  // The share of active items is unset if there are no anchors, pairs or triplets.
  const bool nothing = !metrics.health.active_ratio, zero = metrics.loss == 0;
  if (nothing && !metrics.health.positive_distance) return Reason::kNoPositive;
  if ((nothing || zero) && !metrics.health.negative_distance) return Reason::kNoNegative;
  if (nothing) return Reason::kNothingPicked;
  if (zero) return Reason::kNoLoss;
  return metrics.gradient_norm && *metrics.gradient_norm == 0 ? Reason::kNoGradient : Reason::kNone;
}

std::optional<std::string> StillWatch::observe(const StepMetrics& metrics) {
  const Reason reason = reason_of(metrics);
  steps_ = reason == reason_ ? steps_ + 1 : 1;
  reason_ = reason;
  if (reason == Reason::kNone || steps_ < kWindow || !reported_.insert(reason).second) return {};
  const std::string since = "nothing is learned: for " + std::to_string(kWindow) + " steps, up to step " +
                            std::to_string(metrics.step) + ", ";
  switch (reason) {
    case Reason::kNoPositive:
      return since +
             "no anchor has a positive in its batch; draw 2 or more samples of each class "
             "(sampler.samples_per_class), or set sampler.name: " +
             sampler::samplers_with(&sampler::SamplerFactory::samples_are_labels) +
             " where classes have one sample, and check that the labels are classes";
    case Reason::kNoNegative:
      return since +
             "no anchor has a negative in its batch; put more classes in a batch (a larger global_batch, or "
             "fewer samples_per_class), and check that the data has more than one class";
    case Reason::kNothingPicked:
      return since +
             "the miner selects no triplet or pair, since none is hard enough; leave miner out, take "
             "batch_hard or a larger miner.margin, or stop here";
    case Reason::kNoLoss:
      return since +
             "the loss is exactly 0, since every pair already satisfies it; raise the loss's margin, take a "
             "harder miner or a larger global_batch, or stop here";
    default:
      return since +
             "the gradient is exactly 0 though the loss is not, so that no weight is changed; start again "
             "with a smaller optimizer.learning_rate, and check encoder.frozen and that the inputs differ";
  }
}

}  // namespace lodestone::engine
