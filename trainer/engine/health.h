#pragma once

#include <deque>
#include <optional>
#include <string>

#include "trainer/engine/step_metrics.h"
#include "trainer/negatives/global_batch.h"

namespace lodestone {

/// What a step with `want_health` says of the contrast, all but the memory's ages. Temperature and loss parameters are
/// those the loss has at the call: before the update they are those of the step.
ContrastiveHealth health_of(const StepLoss& step, const Objective& objective);

/// What the loss comes to when all embeddings are equal, if that is one number whatever the batch: the margin of a
/// hinge, ln 2 of the soft margin. Unset for losses whose value depends on how many rows and classes meet (softmax,
/// proxies) or on the length of rows that are not normalised.
std::optional<double> loss_of_equal_embeddings(const Objective& objective);

/// Recognises collapse: the encoder maps everything to (nearly) one point and training no longer gets it away.
///
/// The loss alone doesn't tell: a hinge can be near its margin with rows well apart, and in the softmax losses the
/// value at collapse depends on the batch. Nor do single steps: random weights of a deep encoder begin with all cosines
/// near 1, and a large first step contracts them for a while. So over `kWindow` looks in a row, all of this must hold:
///   equal        the cosine of negatives is above 0.99 in every step; of rows that aren't normalised, it will do that
///                distances are below a twentieth of the loss, as an encoder that shrinks to zero keeps its angles
///   unseparated  the mean positive is farther than half the mean negative: what is left of the distances is not used
///                to tell classes apart. (A collapsed encoder still responds to its input a little, so that the two
///                don't become the same number: collapsed runs show 0.6 to 1. The effective rank counts what is left as
///                well, so it isn't asked.)
///   stuck        the mean loss is within 5 % of `loss_of_equal_embeddings`; where there is no such number, it moves
///                less than 2 % between the halves of the window
///   staying      distances grow less than a tenth between the halves
///   no start     the learning rate isn't still warming up, unless distances fell to a quarter of the first ones seen
/// Threads: caller serializes.
class CollapseWatch {
 public:
  static constexpr size_t kWindow = 50;

  /// To be called once a step, on one rank. One sentence when a collapse is first certain: what is seen, and what to
  /// do. The next one comes only after it recovered: `kWindow` steps in which rows were not equal. Steps whose health
  /// has no negatives are passed over.
  std::optional<std::string> look(const StepMetrics& metrics, const Objective& objective);

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

}  // namespace lodestone
