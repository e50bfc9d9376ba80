#pragma once

#include <cstdint>
#include <string>

#include "sampler/texts/text_dataset.h"
#include "trainer/survey/text_survey.h"

namespace lodestone::init {

/// What was made.
struct Vocabulary {
  int64_t pieces = 0;
  int64_t max_tokens = 0;  ///< 99 of 100 texts have fewer; a multiple of eight
};

/// Trains a WordPiece vocabulary on the texts, at most 200,000 of them, and writes it to `path`. 8,000
/// pieces; 16,000 for several languages, 32,000 for thousands of characters.
/// Throws    IoError, DataError
Vocabulary make_vocabulary(const sampler::TextDataset& texts, const survey::TextSurvey& survey,
                           const std::string& path);

}  // namespace lodestone::init
