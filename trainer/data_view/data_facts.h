#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "trainer/data_view/contents.h"
#include "trainer/data_view/look_alikes.h"
#include "trainer/data_view/side.h"
#include "trainer/data_view/token_survey.h"
#include "trainer/survey/class_survey.h"
#include "trainer/survey/image_survey.h"
#include "trainer/survey/text_survey.h"

namespace lodestone::data_view {

/// Bounds of everything that is read to describe a configuration's data.
struct FactLimits {
  survey::SurveyLimits images = {.samples = 2000, .seconds = 3};
  survey::SurveyLimits texts = {.samples = 10'000, .seconds = 2};
  ReadLimits contents;
  LookLimits look_alikes;
};

/// What one side holds.
struct SideFacts {
  int64_t samples = 0;
  std::optional<survey::ClassSurvey> classes;
  std::map<std::string, int64_t> formats;  ///< images by the ending of their names: {".png", 60}
  std::optional<survey::ImageSurvey> images;
  std::optional<survey::TextSurvey> texts;
  std::optional<TokenSurvey> tokens;
  int64_t same = 0, different = 0, triplets = 0;  ///< explicit tuples
  std::optional<survey::Spread> grades;           ///< of pairs of texts
  std::optional<survey::Spread> captions;         ///< of an image
  int64_t compared = 0;  ///< samples, or rows of texts, of which duplicates are known
  Duplicates duplicates;
};

/// What the two sides have in common.
struct CommonFacts {
  std::vector<std::string> classes;    ///< names of classes that occur in both
  Duplicates copies;                   ///< evaluation samples that are in the training data
  int64_t trained = 0, evaluated = 0;  ///< images, or distinct texts, of which this is known
  LookAlikes look_alikes;
};

/// What the data of a configuration hold, and what is wrong with them.
struct DataFacts {
  SideFacts training;
  std::optional<SideFacts> evaluation;
  std::optional<CommonFacts> common;
  std::string cannot_train;           ///< the error with which training would stop; "" if it starts
  std::vector<std::string> warnings;  ///< each with its remedy
};

/// Describes the data.
/// Cost      seconds, whatever their size: `limits`
/// Throws    DataError if data change meanwhile
DataFacts describe(const run::RunConfig& config, const Sides& sides, const FactLimits& limits = {});

}  // namespace lodestone::data_view
