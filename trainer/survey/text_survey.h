#pragma once

#include <cstdint>
#include <string>

#include "sampler/texts/text_dataset.h"
#include "trainer/survey/spread.h"

namespace lodestone::survey {

/// What texts look like, from a sample of them.
struct TextSurvey {
  int64_t read = 0;
  int64_t damaged = 0;
  std::string first_damaged;  ///< the error of the first one
  Spread characters;          ///< code points of a text
  Spread words;               ///< separated by white space
  int64_t distinct_characters = 0;
  double not_latin = 0;  ///< fraction of the letters that are neither ASCII nor Latin
  double accented = 0;   ///< fraction of the letters that are Latin and not ASCII

  /// Several writing systems, or one without an alphabet: the vocabulary needs more pieces.
  bool is_multilingual() const { return not_latin > 0.02 || accented > 0.02 || distinct_characters > 400; }
};

/// Cost      `limits`; each text is read from its file
/// Errors    texts that cannot be read are counted
TextSurvey survey_texts(const sampler::TextDataset& texts, const SurveyLimits& limits = {.samples = 4096});

}  // namespace lodestone::survey
