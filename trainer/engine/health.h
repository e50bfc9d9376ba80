#pragma once

#include <deque>
#include <optional>
#include <string>

#include "trainer/engine/step_metrics.h"
#include "trainer/negatives/global_batch.h"

namespace lodestone::engine {

/// The health metrics of a step with `want_health`, all but the age of the memory. Temperature and loss
/// parameters are the current ones: before the update they are those of the step.
ContrastiveHealth health_of(const negatives::StepLoss& step, const negatives::Objective& objective);

/// The loss when all embeddings are equal, if it is the same for every batch: the margin of a hinge, ln 2 for
/// the soft margin. Unset for losses whose value depends on the number of rows and classes (softmax, proxies)
/// or on the length of rows that are not normalised.
std::optional<double> loss_of_equal_embeddings(const negatives::Objective& objective);

/// Detects collapse: the encoder maps everything to (nearly) one point and training does not leave that
/// state.
///
/// The loss alone does not show it: a hinge loss can be near its margin with rows well apart, and the value
/// of softmax losses at collapse depends on the batch. Single steps do not show it either: a deep encoder
/// with random weights begins with all cosines near 1, and a large first step contracts them for a while.
/// Therefore all of these must hold over the last `kWindow` steps that were looked at:
///
/// equal        the cosine of negatives is above 0.99 in every step. For rows that are not normalised,
///              distances below a twentieth of the loss suffice, since an encoder that shrinks to zero keeps
///              its angles.
/// unseparated  the mean distance of positives is above half the mean distance of negatives: the remaining
///              distances do not separate classes. (A collapsed encoder still responds to its input a little,
///              so the two are not equal: collapsed runs show 0.6 to 1. The effective rank counts those
///              remaining distances too, so it is not used.)
/// stuck        the mean loss is within 5 % of `loss_of_equal_embeddings`; if that is unset, the loss changes
///              by less than 2 % between the halves of the window
/// staying      distances grow by less than a tenth between the halves
/// no start     the learning rate is past its warm-up, or distances fell to a quarter of the first ones seen
/// Threads      one caller
class CollapseWatch {
 public:
  static constexpr size_t kWindow = 50;

  /// Call it once a step, on one rank. Returns a sentence when a collapse first becomes certain: what was
  /// observed, and what to do. It reports again only after a recovery: `kWindow` steps in which rows were not
  /// equal. Steps without negatives are ignored.
  std::optional<std::string> observe(const StepMetrics& metrics, const negatives::Objective& objective);

 private:
  struct Step {
    double loss = 0, learning_rate = 0;
    double negative_distance = 0, negative_similarity = 0;
    std::optional<double> positive_distance;
    bool equal = false;
  };
  /// Means over steps [first, last) of the window.
  struct Means {
    double loss = 0, negative_distance = 0, negative_similarity = 0;
    std::optional<double> positive_distance;
  };

  Means means(size_t first, size_t last) const;
  bool stays() const;
  bool separated(const Means& all) const;
  bool stuck(const Means& all, std::optional<double> equal_loss) const;
  std::string sentence(const Means& all, std::optional<double> equal_loss, int64_t step) const;

  std::deque<Step> window_;
  std::optional<double> first_distance_;
  bool warned_ = false;
};

}  // namespace lodestone::engine
