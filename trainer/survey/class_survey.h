#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sampler/dataset.h"
#include "trainer/survey/spread.h"

namespace lodestone::survey {

/// How the samples of a data set are distributed over its classes.
struct ClassSurvey {
  int64_t samples = 0;
  int64_t classes = 0;
  int64_t groups = 0;            ///< classes that do not look alike; = classes if no two do
  Spread per_class;              ///< samples of a class
  std::vector<int64_t> count_c;  ///< samples of each class
  /// Number of classes with this number of samples or more.
  int64_t classes_with(int64_t at_least) const;
};

/// Cost      O(samples + classes); reads no file
ClassSurvey survey_classes(const sampler::Dataset& data);

}  // namespace lodestone::survey
