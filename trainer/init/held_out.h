#pragma once

#include <string>

#include "trainer/init/finding.h"
#include "trainer/init/measured.h"

namespace lodestone::init {

/// Data for training and for evaluation.
struct HeldOut {
  survey::ClassSurvey train;  ///< what remains to train on, for data with classes
  int64_t rows = 0;           ///< the same for rows without classes
  int64_t rows_evaluate = 0;
  int64_t samples_evaluate = 0;
  int64_t classes_evaluate = 0;  ///< 0: rows without classes
  std::string sentence;          ///< "6 of 30 classes are held out …"
  std::string summary;           ///< for the report: why the result is fair
  bool exists = false;           ///< whether there is anything to evaluate on
};

/// Decides what is held out for evaluation, and sets finding.train.part and finding.evaluate. Data that are
/// there for evaluation are used, at most about 20,000 of them; else whole classes are held out, or samples
/// where there are fewer than ten classes, or rows.
HeldOut hold_out(Finding& finding, const Measured& measured);

}  // namespace lodestone::init
