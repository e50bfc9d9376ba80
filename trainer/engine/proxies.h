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

namespace lodestone::engine {

/// Settings of class proxies: the share of the classes outside the batch that a step sees, and the factor of
/// their learning rate on that of the encoder.
struct ProxyConfig {
  double sample_rate = 1.0;
  double learning_rate_factor = 1.0;

  void visit(Fields& f);
};

/// One learned vector per class, for losses that compare rows with classes. Sharded: each rank holds, updates
/// and saves a contiguous range of the classes (Partial FC, An et al. 2021). With sample_rate below 1 a step
/// sees the classes of its batch and a random share of the others; with 1 it is the dense softmax. The start
/// of a proxy is normal numbers that depend only on the seed and the class's key (a hash of its name); the
/// classes that a step sees depend only on seed, step and class: both are the same on any number of ranks.
/// Update    AdamW if the optimizer's rule has second moments (UpdateRule::squares), otherwise SGD, without
///           weight decay and clipping. Classes that a step did not see keep value and moments.
class Proxies {
 public:
  /// `group_c` holds the look-alike group of every class, `key_c` its key (empty: its number).
  Proxies(distributed::Group world, c10::Device device, const std::vector<int64_t>& group_c, int64_t width,
          at::ScalarType type, uint64_t seed, const ProxyConfig& config, const OptimizerConfig& optimizer,
          const std::vector<uint64_t>& key_c = {});

  /// The initial proxies of classes with these keys: [keys, width], float64.
  static at::Tensor initial(std::span<const uint64_t> keys, int64_t width, uint64_t seed);

  /// The proxies of this rank that the step sees, of unit length if `normalize`, ready for the loss.
  /// `label_b` holds the labels of this rank's rows. Collective if sampled.
  negatives::RowSet select(const at::Tensor& label_b, int64_t step, bool normalize);
  /// Updates the selected proxies from dL/du of what select returned, with `factor` times the learning rate.
  void update(const at::Tensor& gradient_nD, double factor);

  /// Visits values, moments and update counts of all classes.
  void visit_state(StateVisitor& v);

 private:
  at::Tensor sampled(const at::Tensor& label_b, int64_t step) const;

  distributed::Group world_;
  uint64_t seed_;
  ProxyConfig config_;
  OptimizerConfig optimizer_;
  int64_t classes_, first_, local_;
  bool normalize_ = true;
  /// proxies, their moments, update count of each class
  at::Tensor value_nD_, first_nD_, second_nD_, steps_n_;
  at::Tensor group_n_, seen_n_;
};

}  // namespace lodestone::engine
