#include "trainer/engine/step_metrics.h"

#include <string>

namespace lodestone {

const std::array<PhaseField, 7> kPhaseFields{{{"load", &PhaseSeconds::load},
                                              {"encode", &PhaseSeconds::encode},
                                              {"gather", &PhaseSeconds::gather},
                                              {"loss", &PhaseSeconds::loss},
                                              {"backward", &PhaseSeconds::backward},
                                              {"reduce", &PhaseSeconds::reduce},
                                              {"update", &PhaseSeconds::update}}};

const std::array<HealthField, 5> kHealthFields{{
    {"active_ratio", "Share of anchors, pairs or triplets with a loss above zero.",
     &ContrastiveHealth::active_ratio},
    {"positive_distance", "Mean distance of positive pairs, over a sample of anchors.", &ContrastiveHealth::positive_distance},
    {"negative_distance", "Mean distance of negative pairs, over a sample of anchors.", &ContrastiveHealth::negative_distance},
    {"hardest_positive_distance", "Mean distance to the farthest positive of an anchor.",
     &ContrastiveHealth::hardest_positive_distance},
    {"hardest_negative_distance", "Mean distance to the nearest negative of an anchor.",
     &ContrastiveHealth::hardest_negative_distance},
}};

nlohmann::json to_json(const StepMetrics& metrics) {
  nlohmann::json line = {{"step", metrics.step},
                         {"epoch", metrics.epoch},
                         {"loss", metrics.loss},
                         {"learning_rate", metrics.learning_rate},
                         {"step_seconds", metrics.step_seconds}};
  if (metrics.step_seconds > 0)
    line["samples_per_second"] = static_cast<double>(metrics.samples) / metrics.step_seconds;
  if (metrics.gradient_norm) line["gradient_norm"] = *metrics.gradient_norm;
  for (const auto& phase : kPhaseFields)
    line[std::string(phase.name) + "_seconds"] = metrics.phases.*phase.member;
  for (const auto& field : kHealthFields)
    if (const auto& value = metrics.health.*field.member) line[field.name] = *value;
  return line;
}

}  // namespace lodestone
