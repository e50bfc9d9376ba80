#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

#include "common/fields.h"
#include "common/state.h"
#include "trainer/encoders/parameters.h"

namespace lodestone::engine {

/// The group of the averaged weights in a checkpoint.
inline constexpr const char* kAverageGroup = "ema";

/// Settings of the averaged weights, `ema` in the configuration. With decay 0 no average is kept.
struct AverageConfig {
  double decay = 0.0;
  int64_t start_step = 0;

  bool on() const { return decay > 0; }
  void visit(Fields& f);
};

/// A running average of an encoder's weights, which often evaluates better than the last weights (Polyak &
/// Juditsky 1992).
/// Math      a <- decay a + (1 - decay) w after every step from start_step on; before, a = w. Running
///           statistics are averaged likewise, so that they fit the averaged weights; integers are copied.
/// Ranks     no communication: every rank holds the same averages (with local batch norm the statistics
///           differ until Trainer::share_buffers)
/// Cost      one pass over the weights per step, and memory of a copy of them
class Average {
 public:
  Average(const AverageConfig& config, const encoders::Parameters& parameters);

  /// Updates the average with the weights after the step of this number, counted from 0.
  void follow(int64_t step);
  /// A handle of the average of the parameter of this name.
  const at::Tensor& of(const std::string& name) const;
  void visit_state(StateVisitor& v);

  /// While the object lives, the encoder's parameters hold the averages.
  class InPlace {
   public:
    explicit InPlace(Average& average) : average_(average) { average_.exchange(); }
    ~InPlace() { average_.exchange(); }
    InPlace(const InPlace&) = delete;
    InPlace& operator=(const InPlace&) = delete;

   private:
    Average& average_;
  };

 private:
  struct Pair {
    encoders::Parameter live;
    at::Tensor average;
  };
  void exchange();

  AverageConfig config_;
  std::vector<Pair> pairs_;
};

}  // namespace lodestone::engine
