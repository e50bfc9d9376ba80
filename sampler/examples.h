#pragma once

#include <cstdint>
#include <memory>

#include "common/features.h"
#include "sampler/dataset.h"

namespace lodestone {

/// What a row's random draws depend on, beside the run's seed and the sample's id.
struct RowDraw {
  int64_t epoch = 0;
  int64_t position = 0;
  int32_t view = 0;
  bool augment = false;  ///< false: nothing is drawn, as in evaluation
};

/// Collects the rows of one batch. Used by one thread.
class FeatureBuilder {
 public:
  virtual ~FeatureBuilder() = default;
  /// Reads sample `index` as the next row. Throws DataError naming the record if it is damaged, and has then added nothing.
  virtual void add(int64_t index, const RowDraw& draw) = 0;
  /// The rows added so far, on the CPU; with none added, tensors of no rows and the usual shape. Once, at the end.
  virtual Features finish() = 0;
};

/// A data set and how its samples become features: one class for each kind of data.
/// Threads   const methods are safe concurrently
class Examples {
 public:
  virtual ~Examples() = default;
  virtual std::shared_ptr<const Dataset> dataset() const = 0;
  /// Room for at most `rows` rows.
  virtual std::unique_ptr<FeatureBuilder> builder(int64_t rows) const = 0;
};

}  // namespace lodestone
