#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace lodestone::engine {

/// Seconds that one step spent in each phase. Phases do not overlap: work that is hidden behind another phase
/// is not counted.
struct PhaseSeconds {
  double load = 0;      ///< waiting for the loader
  double encode = 0;    ///< forward pass
  double gather = 0;    ///< embeddings and row states from all ranks
  double loss = 0;      ///< tiles, mining, loss and its gradient by the embeddings
  double backward = 0;  ///< backward pass of the encoder
  double reduce = 0;    ///< the part of the gradient reduction that the backward pass did not hide
  double update = 0;    ///< clipping, optimizer, schedule
};

/// Health of the contrastive training; docs/measures.md explains each value. A value that the loss, the miner
/// or the batch does not define stays unset, since an alert on 0 would be false.
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
  std::optional<double> temperature;   ///< 1 / factor on similarities; only for losses over similarities
  std::optional<double> masked_pairs;  ///< pairs that are no negatives only because they show the same sample
  std::optional<double> memory_age_mean;  ///< steps since the rows of the memory were encoded
  std::optional<double> memory_age_max;
  /// learned numbers of the loss, by name: logit_scale, beta …
  std::map<std::string, double> loss_parameters;
};

/// The metrics of one training step over the global batch.
struct StepMetrics {
  int64_t step = 0;  ///< steps done, this one included
  int64_t epoch = 0;
  int64_t samples = 0;      ///< samples of this step, summed over ranks
  int64_t run_samples = 0;  ///< samples of all steps of the run so far
  double loss = 0;
  double learning_rate = 0;
  std::optional<double> gradient_norm;  ///< unset in a step that made no update because of float16 overflow
  std::optional<double> loss_scale;     ///< scale of float16 gradients
  double step_seconds = 0;
  /// batches that were ready when the step asked for one, on this rank
  std::optional<int64_t> batches_ready;
  PhaseSeconds phases;
  ContrastiveHealth health;
};

/// A member with its name in metrics.jsonl (for phases followed by "_seconds") and, after "lodestone_", at
/// /metrics. The loss's parameters are not in these tables: they are loss_<name> in the file and
/// lodestone_loss_parameter{name="<name>"} at /metrics.
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

/// The members of a `train` line of metrics.jsonl, without `kind`: flat, unset values left out.
nlohmann::json to_json(const StepMetrics& metrics);

}  // namespace lodestone::engine
