#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/tokenizers/huggingface/part.h"

namespace lodestone::sampler::huggingface {

/// A part of a text: a match, or what lies between two of them.
struct Match {
  size_t begin = 0, end = 0;  ///< bytes
  bool found = false;
};

/// A text or a regular expression that is looked for.
/// Threads   const methods are safe concurrently
class Pattern {
 public:
  virtual ~Pattern() = default;
  /// Appends the matches and the parts between them, in order: together they cover the text. A match may be
  /// empty.
  /// Throws    DataError if a regular expression takes more time or memory than any useful one
  virtual void find(std::string_view text, std::vector<Match>& matches) const = 0;
};

/// Reads {"String": …} or {"Regex": …}.
/// Throws    DataError if ICU does not understand the expression
std::unique_ptr<Pattern> read_pattern(const Part& part);

/// A regular expression of ICU, with the meaning of Oniguruma's Ruby syntax: ^ and $ match at each line.
std::unique_ptr<Pattern> compile_regex(const std::string& expression, const std::string& where);

/// What a cut does with the matches.
enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

Behavior read_behavior(const Part& part);

/// Makes parts of a text from matches: `found` then says that a part is removed.
void arrange(std::vector<Match>& matches, Behavior behavior);

}  // namespace lodestone::sampler::huggingface
