#pragma once

#include <string>
#include <vector>

#include "sampler/texts/record_reader.h"
#include "sampler/texts/text_layout.h"

namespace lodestone {

/// Which columns of one file are read.
/// Names     those of the layout's `columns`; where it has none, the usual ones: text | sentence, label; sentence1 | anchor |
///           query | question, sentence2 | positive | answer, score | label (may be missing); anchor | query, positive,
///           negative; query | anchor | question, positive | answer, negative, negative_1, negative_2 …, negatives; for texts, text | sentence
/// Header    of tabs and commas the first record is a header if the layout says so, or under "auto" if it has the names looked
///           for. Without one, columns are taken from the left, or by the numbers in `columns`.
/// JSON      strings, numbers and booleans; the last column of queries may be a list of strings
class TextColumns {
 public:
  /// Looks at the first record of the file. Throws DataError naming the file, ConfigError if `columns` does not fit the format.
  TextColumns(const PositionedFile& file, RecordSyntax syntax, const TextLayout& layout);

  bool has_header() const { return has_header_; }
  /// The values of a record's columns in order, lists spread out. Throws DataError, which names no place, unless
  /// they are all there and UTF-8.
  std::vector<std::string> values(const std::string& record) const;
  /// Every column of a record of tabs or commas.
  static std::vector<std::string> split(const std::string& record, RecordSyntax syntax);

 private:
  void place(const std::vector<std::string>& first);
  bool find_names(const std::vector<std::string>& present);
  std::vector<std::string> values_of_json(const std::string& record) const;

  RecordSyntax syntax_;
  TextLayout layout_;
  bool has_header_ = false;
  std::vector<std::string> keys_;  // of JSON objects
  std::vector<size_t> positions_;  // of columns
};

}  // namespace lodestone
