#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/features.h"
#include "sampler/dataset.h"

namespace lodestone::sampler {

/// The key of a row's random draws, together with the run's seed and the sample's id.
struct RowDraw {
  int64_t epoch = 0;
  int64_t position = 0;
  int32_t view = 0;
  bool augment = false;  ///< false: nothing is drawn at random, as in evaluation
};

/// Collects the rows of one batch into tensors.
/// Threads   one.
class FeatureBuilder {
 public:
  virtual ~FeatureBuilder() = default;
  /// Reads sample `index` and appends it as a row. Throws DataError naming the record if it is damaged; then
  /// no row was appended.
  virtual void add(int64_t index, const RowDraw& draw) = 0;
  /// Returns the rows on the CPU; without any row, tensors with 0 rows and the usual other dimensions. Call
  /// it once.
  virtual Features finish() = 0;
};

/// A sample as people see it: an image, a text, or both.
struct ShownSample {
  std::optional<Image> image;
  std::string text;
};

/// A data set together with the conversion of its samples to features. Each kind of data implements it once.
/// Threads   const methods are safe concurrently.
class Examples {
 public:
  virtual ~Examples() = default;
  virtual std::shared_ptr<const Dataset> dataset() const = 0;
  /// A builder with room for at most `rows` rows.
  virtual std::unique_ptr<FeatureBuilder> builder(int64_t rows) const = 0;
  /// Reads sample `index` for a page or a report. Throws DataError naming the record if it is damaged.
  virtual ShownSample shown(int64_t index) const = 0;
};

}  // namespace lodestone::sampler
