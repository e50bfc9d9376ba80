#include "trainer/engine/health.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>

namespace lodestone::engine {

namespace {

constexpr double kEqualSimilarity = 0.99;
constexpr double kTinyDistance = 0.05;   // of the loss
constexpr double kUnseparated = 0.5;     // positive distance / negative distance
constexpr double kNearEqualLoss = 0.05;  // relative
constexpr double kStuckLoss = 0.02;      // relative
constexpr double kGrowth = 1.1;          // growth factor of distances
constexpr double kFallen = 0.25;         // share of the first distance
constexpr double kWarmUp = 1.01;         // growth factor of the learning rate

bool near(double x, double y, double relative) {
  return std::abs(x - y) <= relative * std::abs(y);
}

/// The loss of `classes` · `samples` rows if all pairs have this value.
double loss_of_one_value(const losses::Loss& loss, double value, int64_t classes, int64_t samples) {
  const int64_t rows = classes * samples;
  const at::Tensor index_a = at::arange(rows, at::kLong);
  const at::Tensor class_a = index_a.div(samples, "floor");
  const at::Tensor same_ac = class_a.unsqueeze(1) == class_a.unsqueeze(0);
  const at::Tensor itself_ac = index_a.unsqueeze(1) == index_a.unsqueeze(0);
  return loss
      .oracle(at::full({rows, rows}, value, at::kDouble), (same_ac & ~itself_ac).to(at::kDouble),
              (~same_ac).to(at::kDouble))
      .item<double>();
}

std::string remedy(const negatives::Objective& objective) {
  if (objective.miner.only_hardest()) {
    const std::string easier = objective.loss.default_miner();
    return "the hardest triplets make an untrained encoder collapse: train with miner: {name: " + easier +
           "}" + (easier == "all" ? "" : " or {name: all}") +
           ", at least at the start, and a smaller optimizer.learning_rate";
  }
  const std::string normalize = objective.normalize ? "" : "set normalize: true, ";
  return "restart, or resume from an earlier checkpoint, with a smaller optimizer.learning_rate or a longer "
         "schedule.warmup_steps, " +
         normalize + "and check that the labels belong to the data";
}

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

ContrastiveHealth health_of(const negatives::StepLoss& step, const negatives::Objective& objective) {
  const negatives::PairHealth& seen = step.health;
  ContrastiveHealth health;
  if (step.valid > 0) health.active_ratio = step.active / step.valid;
  // A mean over no pairs is 0, and so is the cosine of zero rows; those have rank 0.
  const bool zero_rows = seen.effective_rank == 0;
  if (seen.positive_distance > 0 || seen.positive_similarity != 0 || zero_rows) {
    health.positive_distance = seen.positive_distance;
    health.hardest_positive_distance = seen.hardest_positive_distance;
    health.positive_similarity = seen.positive_similarity;
    health.alignment = seen.alignment;
  }
  if (seen.negative_distance > 0 || seen.negative_similarity != 0 || zero_rows) {
    health.negative_distance = seen.negative_distance;
    health.hardest_negative_distance = seen.hardest_negative_distance;
    health.negative_similarity = seen.negative_similarity;
    health.uniformity = seen.uniformity;
  }
  health.effective_rank = seen.effective_rank;
  if (objective.loss.measure() == losses::Measure::kSimilarity)
    health.temperature = 1 / objective.loss.affine().scale;
  health.masked_pairs = step.same_sample;
  for (const auto& parameter : objective.loss.parameters())
    health.loss_parameters[parameter.name] = parameter.value.item<double>();
  return health;
}

std::optional<double> loss_of_equal_embeddings(const negatives::Objective& objective) {
  const at::NoGradGuard no_grad;
  const losses::Loss& loss = objective.loss;
  const bool similarity = loss.measure() == losses::Measure::kSimilarity;
  if (loss.uses_proxies()) return {};
  if (similarity && !objective.normalize) return {};
  const losses::Affine affine = loss.affine();
  const double value = affine.scale * (similarity ? 1 : 0) + affine.bias;
  const double few = loss_of_one_value(loss, value, 2, 2), many = loss_of_one_value(loss, value, 3, 3);
  if (!near(few, many, 1e-9)) return {};
  return few;
}

std::optional<std::string> CollapseWatch::observe(const StepMetrics& metrics,
                                                  const negatives::Objective& objective) {
  const ContrastiveHealth& health = metrics.health;
  if (!health.negative_distance || !health.negative_similarity) return {};
  Step step{metrics.loss, metrics.learning_rate, *health.negative_distance, *health.negative_similarity,
            health.positive_distance};
  const bool shrinks = !objective.normalize && objective.loss.measure() != losses::Measure::kSimilarity;
  step.equal = step.negative_similarity > kEqualSimilarity ||
               (shrinks && step.negative_distance < kTinyDistance * step.loss);
  if (!first_distance_) first_distance_ = step.negative_distance;
  window_.push_back(step);
  if (window_.size() > kWindow) window_.pop_front();
  if (window_.size() < kWindow) return {};

  const auto equal = [](const Step& past) { return past.equal; };
  if (std::none_of(window_.begin(), window_.end(), equal)) warned_ = false;
  if (warned_ || !std::all_of(window_.begin(), window_.end(), equal)) return {};
  const Means all = means(0, kWindow);
  if (!stays() || separated(all)) return {};
  const auto equal_loss = loss_of_equal_embeddings(objective);
  if (!stuck(all, equal_loss)) return {};
  warned_ = true;
  return sentence(all, equal_loss, metrics.step) + "; " + remedy(objective);
}

std::string CollapseWatch::sentence(const Means& all, std::optional<double> equal_loss, int64_t step) const {
  const std::string between = formatted("%.2g", all.negative_distance);
  const std::string distances = all.positive_distance
                                    ? "distances are " + formatted("%.2g", *all.positive_distance) +
                                          " within and " + between + " between classes"
                                    : "distances are " + between;
  const std::string stuck = formatted("%.4g", all.loss);
  return "collapse: for " + std::to_string(kWindow) + " steps, up to step " + std::to_string(step) +
         ", all embeddings are nearly equal (the cosine of different classes is " +
         formatted("%.4f", all.negative_similarity) + ", " + distances + ") and the loss is stuck at " +
         stuck + (equal_loss ? ", where equal embeddings give " + formatted("%.4g", *equal_loss) : "");
}

CollapseWatch::Means CollapseWatch::means(size_t first, size_t last) const {
  Means mean;
  double positives = 0;
  size_t with_positives = 0;
  for (size_t i = first; i < last; ++i) {
    const Step& step = window_[i];
    mean.loss += step.loss;
    mean.negative_distance += step.negative_distance;
    mean.negative_similarity += step.negative_similarity;
    positives += step.positive_distance.value_or(0);
    with_positives += step.positive_distance.has_value();
  }
  const auto count = static_cast<double>(last - first);
  mean.loss /= count;
  mean.negative_distance /= count;
  mean.negative_similarity /= count;
  if (with_positives > 0) mean.positive_distance = positives / static_cast<double>(with_positives);
  return mean;
}

bool CollapseWatch::stays() const {
  const double before = means(0, kWindow / 2).negative_distance,
               after = means(kWindow / 2, kWindow).negative_distance;
  if (after > kGrowth * before) return false;
  const bool warms_up = window_.back().learning_rate > kWarmUp * window_.front().learning_rate;
  return !warms_up || after <= kFallen * *first_distance_;
}

bool CollapseWatch::separated(const Means& all) const {
  return all.positive_distance && *all.positive_distance < kUnseparated * all.negative_distance;
}

bool CollapseWatch::stuck(const Means& all, std::optional<double> equal_loss) const {
  if (equal_loss) return near(all.loss, *equal_loss, kNearEqualLoss);
  return near(means(kWindow / 2, kWindow).loss, means(0, kWindow / 2).loss, kStuckLoss);
}

}  // namespace lodestone::engine
