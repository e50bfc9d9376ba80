#pragma once

#include <cstdint>

#include "sampler/texts/text_dataset.h"
#include "sampler/texts/token_rows.h"
#include "trainer/survey/spread.h"

namespace lodestone::data_view {

/// How a tokenizer splits texts, from a sample of them.
struct TokenSurvey {
  int64_t read = 0;       ///< texts
  survey::Spread tokens;  ///< of a text, with begin and end, before it is cut
  int64_t cut = 0;        ///< texts longer than max_tokens
  int64_t all = 0;        ///< tokens of all texts, without begin and end
  int64_t unknown = 0;    ///< of these, the unknown token
};

/// Cost      `limits`; each text is read from its file and tokenized up to 65,536 tokens
TokenSurvey survey_tokens(const sampler::TextDataset& texts, const sampler::TokenRule& rule,
                          const survey::SurveyLimits& limits = {.samples = 10'000});

/// The id of the unknown token, "[UNK]" or "<unk>"; -1 if there is none.
/// Cost      one pass over the vocabulary
int64_t unknown_token(const sampler::Tokenizer& tokenizer);

}  // namespace lodestone::data_view
