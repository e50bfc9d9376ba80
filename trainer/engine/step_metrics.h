#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace lodestone {

/// Seconds one step spent in each phase. They don't overlap: work that runs behind another phase isn't
/// counted.
struct PhaseSeconds {
  double load = 0;      ///< waiting for the loader
  double encode = 0;    ///< forward pass
  double gather = 0;    ///< embeddings and row states from all ranks
  double loss = 0;      ///< tiles, mining, loss and its gradient by the embeddings
  double backward = 0;  ///< backward pass of the encoder
  double reduce = 0;    ///< what of the gradient reduction the backward pass didn't hide
  double update = 0;    ///< clipping, optimizer, schedule
};

/// How the contrast goes; docs/measures.md says how to read each. A value that a loss, a miner or a batch doesn't
/// define stays unset: an alert on 0 would be false.
struct ContrastiveHealth {
  std::optional<double> active_ratio;       ///< share of anchors, pairs or triplets with a loss above zero
  std::optional<double> positive_distance;  ///< Euclidean, of rows as the loss sees them
  std::optional<double> negative_distance;
  std::optional<double> hardest_positive_distance;
  std::optional<double> hardest_negative_distance;
  std::optional<double> positive_similarity;  ///< cosine
  std::optional<double> negative_similarity;
  std::optional<double> alignment;
  std::optional<double> uniformity;
  std::optional<double> effective_rank;
  std::optional<double> temperature;      ///< 1 / factor on similarities; of losses over similarities
  std::optional<double> masked_pairs;     ///< kept from the negatives only because they show the same sample
  std::optional<double> memory_age_mean;  ///< steps since the rows of the memory were encoded
  std::optional<double> memory_age_max;
  std::map<std::string, double> loss_parameters;  ///< what the loss has learned, by name: logit_scale, beta …
};

/// One training step over the global batch, as the engine saw it.
struct StepMetrics {
  int64_t step = 0;  ///< steps done, this one included
  int64_t epoch = 0;
  int64_t samples = 0;      ///< of this step, over all ranks
  int64_t run_samples = 0;  ///< of all steps of the run so far
  double loss = 0;
  double learning_rate = 0;
  std::optional<double> gradient_norm;  ///< unset in a step that float16 overflow cost its update
  std::optional<double> loss_scale;     ///< of float16
  double step_seconds = 0;
  std::optional<int64_t> batches_ready;  ///< that lay ready when the step asked for its own, on this rank
  PhaseSeconds phases;
  ContrastiveHealth health;
};

/// A member with its name in metrics.jsonl (phases gain "_seconds") and, after "lodestone_", at /metrics.
/// The loss's parameters are no members: loss_<name> there, lodestone_loss_parameter{name="<name>"} here.
struct PhaseField {
  const char* name;
  double PhaseSeconds::*member;
};
struct HealthField {
  const char* name;
  const char* help;
  std::optional<double> ContrastiveHealth::*member;
};

extern const std::array<PhaseField, 7> kPhaseFields;
extern const std::array<HealthField, 14> kHealthFields;

/// The members of a `train` line of metrics.jsonl, without `kind`; flat, unset values left out.
nlohmann::json to_json(const StepMetrics& metrics);

}  // namespace lodestone
