#pragma once

#include <cstdint>
#include <vector>

#include "trainer/init/finding.h"
#include "trainer/survey/class_survey.h"
#include "trainer/survey/image_survey.h"
#include "trainer/survey/text_survey.h"

namespace lodestone::init {

/// What the data of a finding look like: surveys, and what decides how they are batched.
struct Measured {
  survey::ClassSurvey train;     ///< of everything that finding.train names
  survey::ClassSurvey evaluate;  ///< of finding.evaluate; without samples if there is none
  survey::ImageSurvey images;
  survey::TextSurvey texts;
  int64_t rows = 0;              ///< rows of texts, captioned images, or tuples, of training
  int64_t rows_evaluate = 0;     ///< the same of finding.evaluate
  int64_t samples_per_row = 1;   ///< of texts or tuples
  bool has_pair_labels = false;  ///< pairs of texts or images that are labelled 0 or 1, or graded
  /// The number of each class that decides its part (sampler::DataPart); look-alikes have the same.
  std::vector<double> class_numbers;
};

/// Opens the data and looks at a sample of them. Damaged records are left out, as in the run.
/// Cost      opening reads a table once and no image; a survey takes seconds at most
/// Throws    ConfigError, DataError: those of the readers, or if there is one class, or one sample of each
Measured measure(const Finding& finding);

/// Damaged records are left out and reported, up to one in a hundred.
sampler::BadRecordConfig skip_bad_records();

/// The texts to train a vocabulary on; null if there are none.
std::shared_ptr<const sampler::TextDataset> open_training_texts(const Finding& finding);

}  // namespace lodestone::init
