#pragma once

#include <cstdint>
#include <vector>

#include "sampler/texts/text_components.h"
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
  /// The number of each class that decides its part (sampler::DataPart); look-alikes have the same. Of a list
  /// of tuples: of the classes in finding.labelled.
  std::vector<double> class_numbers;
  survey::ClassSurvey labelled;  ///< of finding.labelled; without samples if it is empty
  /// The same of every sample, and its class, if there are fewer than kFewClasses classes.
  std::vector<double> sample_numbers;
  std::vector<int64_t> sample_classes;
  /// Rows of texts without classes, by what they share.
  std::vector<sampler::TextComponents::Component> components;
};

/// With fewer classes, none can be held out.
inline constexpr int64_t kFewClasses = 10;

/// Opens the data and looks at a sample of them. Damaged records are left out, as in the run.
/// Cost      opening reads a table once and no image; a survey takes seconds at most
/// Throws    ConfigError, DataError: those of the readers, or if there is one class, or one sample of each
Measured measure(const Finding& finding);

/// Damaged records are left out and reported, up to one in a hundred.
sampler::BadRecordConfig skip_bad_records();

/// The texts of training, on which a vocabulary is trained, or of evaluation; null if there are none.
std::shared_ptr<const sampler::TextDataset> open_training_texts(const Finding& finding);
std::shared_ptr<const sampler::TextDataset> open_evaluation_texts(const Finding& finding);

/// The number of tuples of images in finding.train.part; 0 if they are not of class folders.
/// Cost      reads the list, and walks through its folder
int64_t count_tuples(const Finding& finding);

}  // namespace lodestone::init
