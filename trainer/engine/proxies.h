#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/fields.h"
#include "common/state.h"
#include "trainer/engine/optimizer.h"
#include "trainer/negatives/tiles/row_set.h"

namespace lodestone {

struct ProxyConfig {
  double sample_rate = 1.0;
  double learning_rate_factor = 1.0;

  void visit(Fields& f);
};

/// One learned vector per class, for losses that compare rows with classes. Sharded: each rank holds, updates and saves a
/// stretch of the classes (Partial FC, An et al. 2021). With sample_rate below 1 a step sees the classes of its batch and a
/// random share of the others; at 1 it is the dense softmax.
/// Start     normal numbers that depend on (seed, the class's key) alone, a hash of its name; which classes a step sees on (seed, step,
///           class): the same on any number of ranks.
/// Update    AdamW (where the optimizer is adamw or lamb) or SGD (sgd or lars), without weight decay and clipping; classes that
///           a step did not see keep value and moments.
class Proxies {
 public:
  /// `group_c` holds the look-alike group of every class, `key_c` its key (empty: its number).
  Proxies(Group world, c10::Device device, const std::vector<int64_t>& group_c, int64_t width,
          at::ScalarType type, uint64_t seed, const ProxyConfig& config, const OptimizerConfig& optimizer,
          const std::vector<uint64_t>& key_c = {});

  /// The values that classes of these keys begin with: [keys, width] of doubles.
  static at::Tensor initial(std::span<const uint64_t> keys, int64_t width, uint64_t seed);

  /// This rank's classes that the step sees, of unit length if `normalize`, ready for the loss. `label_b` holds this rank's
  /// labels. Collective if sampled.
  RowSet select(const at::Tensor& label_b, int64_t step, bool normalize);
  /// Takes dL/du of what select returned.
  void update(const at::Tensor& gradient_nD, double factor);

  /// Values, moments and updates of all classes.
  void visit_state(StateVisitor& v);

 private:
  at::Tensor sampled(const at::Tensor& label_b, int64_t step) const;

  Group world_;
  uint64_t seed_;
  ProxyConfig config_;
  OptimizerConfig optimizer_;
  int64_t classes_, first_, local_;
  bool normalize_ = true;
  at::Tensor value_nD_, first_nD_, second_nD_, steps_n_;  ///< proxies, their moments, updates of each class
  at::Tensor group_n_, seen_n_;
};

}  // namespace lodestone
