#include "trainer/init/vocabulary.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/output_file.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "sampler/tokenizers/train_wordpiece.h"
#include "trainer/survey/spread.h"

namespace lodestone::init {

namespace {

constexpr int64_t kMostTexts = 200000;
constexpr int64_t kTextsEncoded = 2000;
constexpr int64_t kPieces = 8000, kPiecesOfLanguages = 16000, kPiecesOfCharacters = 32000;
constexpr int64_t kManyCharacters = 2000;
constexpr double kMarks = 0.02;  // of the letters: writing systems in which marks are letters
constexpr int64_t kFewestTokens = 16, kMostTokens = 2048;

int64_t pieces_for(const survey::TextSurvey& survey) {
  if (survey.distinct_characters > kManyCharacters) return kPiecesOfCharacters;
  return survey.is_multilingual() ? kPiecesOfLanguages : kPieces;
}

// 99 of 100 texts have no more tokens, begin and end included.
int64_t tokens_of(const sampler::TextDataset& texts, const sampler::Tokenizer& tokenizer) {
  std::vector<size_t> lengths;
  for (const int64_t i : survey::spread_samples(texts.size(), kTextsEncoded))
    lengths.push_back(tokenizer.encode(texts.get(i), kMostTokens + 1).size());
  std::ranges::sort(lengths);
  return static_cast<int64_t>(lengths[(lengths.size() - 1) * 99 / 100]);
}

}  // namespace

Vocabulary make_vocabulary(const sampler::TextDataset& training, const sampler::TextDataset* evaluation,
                           const survey::TextSurvey& survey, const std::string& path) {
  const bool strips = survey.not_latin <= kMarks;
  sampler::WordPieceTrainer trainer({.lower_case = true, .strip_accents = strips});
  for (const int64_t i : survey::spread_samples(training.size(), kMostTexts)) trainer.add(training.get(i));
  const std::vector<std::string> tokens = trainer.tokens(pieces_for(survey));
  std::string lines;
  for (const std::string& token : tokens) lines += token + "\n";
  write_output(path, lines);
  sampler::TokenizerConfig config;
  config.path = path;
  config.kind = "wordpiece";
  config.strip_accents = strips ? AutoYesNo::kAuto : AutoYesNo::kNo;
  const auto tokenizer = sampler::open_tokenizer(config);
  int64_t longest = tokens_of(training, *tokenizer);
  if (evaluation != nullptr) longest = std::max(longest, tokens_of(*evaluation, *tokenizer));
  return {.pieces = static_cast<int64_t>(tokens.size()),
          .max_tokens = std::clamp((longest + 7) / 8 * 8, kFewestTokens, kMostTokens),
          .cuts_many = longest > kMostTokens};
}

}  // namespace lodestone::init
