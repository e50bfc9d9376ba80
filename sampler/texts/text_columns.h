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
/// Width     a record has no more columns than the first one: a separator inside a text would move what follows. Queries without a
///           header may have any number of negatives.
/// Others    columns that mean something elsewhere (is_query, a second text, a negative) are errors, unless `columns` says what is
///           read; the rest is told by name (unused)
/// JSON      strings, numbers and booleans; the last column of queries may be a list of strings
class TextColumns {
 public:
  /// Looks at the first record of the file. Throws DataError naming the file, ConfigError if `columns` does not fit the format.
  TextColumns(const PositionedFile& file, RecordSyntax syntax, const TextLayout& layout);

  bool has_header() const { return has_header_; }
  /// The names of columns, or keys of the first object, that nothing reads.
  const std::vector<std::string>& unused() const { return unused_; }
  /// The values of the reader's record in the order of the columns, lists spread out. Throws DataError, which names no place, unless
  /// they are all there and UTF-8.
  std::vector<std::string> values(const RecordReader& reader) const;

 private:
  void place(const std::vector<std::string>& first);
  bool find_names(const std::vector<std::string>& present);
  void find_unused(const std::vector<std::string>& present);
  void refuse_problem(const RecordReader& reader) const;
  void take_by_number(const std::vector<std::string>& first);
  void take_from_the_left(size_t present);
  std::vector<std::string> values_of_table(const std::vector<std::string>& columns) const;
  std::vector<std::string> values_of_json(const std::string& record) const;

  RecordSyntax syntax_;
  TextLayout layout_;
  bool has_header_ = false;
  std::vector<std::string> keys_;    // of JSON objects
  std::vector<std::string> unused_;  // names in the first record
  std::vector<size_t> positions_;    // of columns
  size_t width_ = 0;                 // columns of a record at most; 0: any number
};

}  // namespace lodestone
