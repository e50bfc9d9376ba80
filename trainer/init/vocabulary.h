#pragma once

#include <cstdint>
#include <string>

#include "sampler/texts/text_dataset.h"
#include "trainer/survey/text_survey.h"

namespace lodestone::init {

/// What was made.
struct Vocabulary {
  int64_t pieces = 0;
  int64_t max_tokens = 0;  ///< a multiple of eight
  bool cuts_many = false;  ///< more than one in a hundred texts is longer
};

/// Trains a WordPiece vocabulary on the texts of training, at most 200,000 of them, and writes it to `path`.
/// 8,000 pieces; 16,000 for several languages, 32,000 for thousands of characters. 99 of 100 texts have no
/// more than `max_tokens`, those of evaluation (null: none) too, whose words the vocabulary may not have.
/// Throws    IoError, DataError
Vocabulary make_vocabulary(const sampler::TextDataset& training, const sampler::TextDataset* evaluation,
                           const survey::TextSurvey& survey, const std::string& path);

}  // namespace lodestone::init
