#pragma once

#include <memory>
#include <span>

#include "sampler/tokenizers/huggingface/part.h"
#include "sampler/tokenizers/huggingface/text.h"

namespace lodestone::sampler::huggingface {

/// Cuts a text into the pieces that the model makes tokens of. Pieces that are tokens already stay.
/// Threads   const methods are safe concurrently
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void cut(Text& text) const = 0;
  /// Whether pieces depend on where they stand in the original text, so that it must be recorded.
  virtual bool needs_places() const { return false; }
};

struct PreTokenizerRow {
  const char* name;  ///< "type" in tokenizer.json
  std::unique_ptr<PreTokenizer> (*read)(const Part& part);
};

/// All pre-tokenizers.
std::span<const PreTokenizerRow> pre_tokenizer_table();

/// Throws    DataError for a type that is not in the table, or missing settings
std::unique_ptr<PreTokenizer> read_pre_tokenizer(const Part& part);

}  // namespace lodestone::sampler::huggingface
