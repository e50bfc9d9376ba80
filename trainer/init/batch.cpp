#include "trainer/init/batch.h"

#include <algorithm>

namespace lodestone::init {

namespace {

constexpr int64_t kSamples = 4;
constexpr int64_t kMostSamples = 32;
constexpr int64_t kFewestRows = 48;  // four samples of so few classes are more noise than signal
constexpr int64_t kBatchesOfEpoch = 4;

}  // namespace

BatchShape shape_of_batch(const survey::ClassSurvey& train, int64_t rows) {
  const auto median = std::clamp<int64_t>(static_cast<int64_t>(train.per_class.median), 2, kMostSamples);
  BatchShape shape;
  shape.samples = std::min(kSamples, median);
  shape.classes = std::min(rows / shape.samples, std::max<int64_t>(2, train.groups / 2));
  shape.classes = std::clamp<int64_t>(shape.classes, 1, train.classes);
  if (shape.rows() < kFewestRows)
    shape.samples = std::min(median, (kFewestRows + shape.classes - 1) / shape.classes);
  shape.repeats = static_cast<int64_t>(train.per_class.smallest) < shape.samples;
  return shape;
}

int64_t rows_of_batch(int64_t units, int64_t samples_per_unit, int64_t rows) {
  const int64_t fitting = rows / samples_per_unit;
  return samples_per_unit * std::max<int64_t>(2, std::min(fitting, units / kBatchesOfEpoch));
}

}  // namespace lodestone::init
