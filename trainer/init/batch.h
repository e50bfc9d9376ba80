#pragma once

#include <cstdint>

#include "trainer/survey/class_survey.h"

namespace lodestone::init {

/// The shape of a batch of classes: P classes with K samples each.
struct BatchShape {
  int64_t classes = 0;
  int64_t samples = 0;
  bool repeats = false;  ///< some classes have fewer than K samples, and repeat them

  int64_t rows() const { return classes * samples; }
};

/// P x K of at most `rows`. P is at most half of the classes that do not look alike, so that negatives change
/// from step to step. K is 4; more where that gives fewer than 48 rows, less where the median class has less,
/// but at least 2.
BatchShape shape_of_batch(const survey::ClassSurvey& train, int64_t rows);

/// The rows of a batch of units that belong together: as close to `rows` as whole units come, but at least
/// four batches an epoch, and two units.
int64_t rows_of_batch(int64_t units, int64_t samples_per_unit, int64_t rows);

}  // namespace lodestone::init
