#pragma once

#include <memory>
#include <span>

#include "sampler/tokenizers/huggingface/part.h"
#include "sampler/tokenizers/huggingface/text.h"

namespace lodestone::sampler::huggingface {

/// Changes a text before it is cut.
/// Threads   const methods are safe concurrently
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void normalize(Run& run) const = 0;
};

struct NormalizerRow {
  const char* name;  ///< "type" in tokenizer.json
  std::unique_ptr<Normalizer> (*read)(const Part& part);
};

/// All normalizers.
std::span<const NormalizerRow> normalizer_table();

/// Throws    DataError for a type that is not in the table, or missing settings
std::unique_ptr<Normalizer> read_normalizer(const Part& part);

/// Unicode's normalization forms.
enum class Form { kNfc, kNfd, kNfkc, kNfkd };
void normalize_form(Run& run, Form form);

/// SentencePiece's table of replacements, "precompiled_charsmap".
std::unique_ptr<Normalizer> read_charsmap(const Part& part);

}  // namespace lodestone::sampler::huggingface
