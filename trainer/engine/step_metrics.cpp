#include "trainer/engine/step_metrics.h"

#include <string>

namespace lodestone::engine {

const std::array<PhaseField, 7> kPhaseFields{{{"load", &PhaseSeconds::load},
                                              {"encode", &PhaseSeconds::encode},
                                              {"gather", &PhaseSeconds::gather},
                                              {"loss", &PhaseSeconds::loss},
                                              {"backward", &PhaseSeconds::backward},
                                              {"reduce", &PhaseSeconds::reduce},
                                              {"update", &PhaseSeconds::update}}};

const std::array<HealthField, 14> kHealthFields{{
    {"active_ratio", "Share of anchors, pairs or triplets with a loss above zero.",
     &ContrastiveHealth::active_ratio},
    {"positive_distance", "Mean distance of positive pairs, over a sample of anchors.",
     &ContrastiveHealth::positive_distance},
    {"negative_distance", "Mean distance of negative pairs, over a sample of anchors.",
     &ContrastiveHealth::negative_distance},
    {"hardest_positive_distance", "Mean distance to the farthest positive of an anchor.",
     &ContrastiveHealth::hardest_positive_distance},
    {"hardest_negative_distance", "Mean distance to the nearest negative of an anchor.",
     &ContrastiveHealth::hardest_negative_distance},
    {"positive_similarity", "Mean cosine of positive pairs, over a sample of anchors.",
     &ContrastiveHealth::positive_similarity},
    {"negative_similarity", "Mean cosine of negative pairs, over a sample of anchors; near 1 is collapse.",
     &ContrastiveHealth::negative_similarity},
    {"alignment", "Mean squared distance of positive pairs on the unit sphere; 0 is best.",
     &ContrastiveHealth::alignment},
    {"uniformity", "Log of the mean of exp(-2 d^2) on the unit sphere; 0 is collapse, lower is more even.",
     &ContrastiveHealth::uniformity},
    {"effective_rank", "Effective number of directions that embeddings use; 1 is collapse.",
     &ContrastiveHealth::effective_rank},
    {"temperature", "Temperature that the loss divides similarities by.", &ContrastiveHealth::temperature},
    {"masked_pairs", "Pairs of the last step that are no negatives only because they show the same sample.",
     &ContrastiveHealth::masked_pairs},
    {"memory_age_mean", "Steps since the rows of the memory were encoded, mean.",
     &ContrastiveHealth::memory_age_mean},
    {"memory_age_max", "Steps since the oldest row of the memory was encoded.",
     &ContrastiveHealth::memory_age_max},
}};

nlohmann::json to_json(const StepMetrics& metrics) {
  nlohmann::json line = {{"step", metrics.step},           {"epoch", metrics.epoch},
                         {"loss", metrics.loss},           {"learning_rate", metrics.learning_rate},
                         {"samples", metrics.run_samples}, {"step_seconds", metrics.step_seconds}};
  if (metrics.step_seconds > 0)
    line["samples_per_second"] = static_cast<double>(metrics.samples) / metrics.step_seconds;
  if (metrics.gradient_norm) line["gradient_norm"] = *metrics.gradient_norm;
  if (metrics.batches_ready) line["batches_ready"] = *metrics.batches_ready;
  if (metrics.loss_scale) line["loss_scale"] = *metrics.loss_scale;
  for (const auto& phase : kPhaseFields)
    line[std::string(phase.name) + "_seconds"] = metrics.phases.*phase.member;
  for (const auto& field : kHealthFields)
    if (const auto& value = metrics.health.*field.member) line[field.name] = *value;
  for (const auto& [name, value] : metrics.health.loss_parameters) line["loss_" + name] = value;
  return line;
}

}  // namespace lodestone::engine
