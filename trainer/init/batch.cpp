#include "trainer/init/batch.h"

#include <algorithm>

namespace lodestone::init {

namespace {

constexpr int64_t kSamples = 4;  // of a class, where there are many classes
constexpr int64_t kMostSamples = 32;
constexpr int64_t kBatchesOfEpoch = 4;

}  // namespace

BatchShape shape_of_batch(const survey::ClassSurvey& train, int64_t rows) {
  const auto median = static_cast<int64_t>(train.per_class.median);
  const int64_t fitting = std::max(kSamples, rows / std::max<int64_t>(1, train.classes));
  BatchShape shape;
  shape.samples = std::clamp<int64_t>(std::min(fitting, median), 2, kMostSamples);
  shape.classes = std::clamp<int64_t>(rows / shape.samples, 1, train.classes);
  shape.repeats = static_cast<int64_t>(train.per_class.smallest) < shape.samples;
  return shape;
}

int64_t rows_of_batch(int64_t units, int64_t samples_per_unit, int64_t rows) {
  const int64_t fitting = rows / samples_per_unit;
  return samples_per_unit * std::max<int64_t>(2, std::min(fitting, units / kBatchesOfEpoch));
}

}  // namespace lodestone::init
