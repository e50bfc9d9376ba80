#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace lodestone::run {

/// How a model of texts makes an embedding, for sentence-transformers.
struct SentenceModel {
  std::string pooling;  ///< mean, cls, last or max
  int64_t width = 0;
  int64_t max_tokens = 0;
  bool normalize = true;
};

/// Writes modules.json, 1_Pooling, 2_Normalize and sentence_bert_config.json into the folder, in the form
/// that all versions of sentence-transformers read. Throws IoError.
void write_sentence_modules(const std::filesystem::path& folder, const SentenceModel& model);

/// Changes those of a folder of sentence-transformers: Normalize is last if and only if `normalize`, and
/// texts have at most `max_tokens`. Throws DataError if modules.json cannot be read; IoError.
void adjust_sentence_modules(const std::filesystem::path& folder, bool normalize, int64_t max_tokens);

}  // namespace lodestone::run
