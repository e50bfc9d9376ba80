#pragma once

#include <string>
#include <vector>

#include "sampler/files/record_reader.h"
#include "sampler/left_out.h"
#include "sampler/texts/text_layout.h"

namespace lodestone::sampler {

/// Where the columns to read are set: by keys of a configuration, or by a command's --columns.
enum class SetBy { kKeys, kOption };

/// The message of an error in a line of a file: "texts: a.tsv:3: expected …; next". `next` is for an error
/// that names no next step itself.
std::string text_error(const std::string& file, int64_t line, const std::string& error);
std::string text_error(const std::string& file, int64_t line, const std::string& error,
                       const std::string& next);

/// Selects the columns of one text file.
/// Names     those of the layout's `columns`; without it, the usual ones: text | sentence, label; sentence1 |
///           anchor | query | question, sentence2 | positive | answer, score | label (optional); anchor |
///           query, positive, negative; query | anchor | question, positive | answer, negative, negative_1,
///           negative_2 …, negatives; for texts, text | sentence.
/// Header    with tabs and commas, the first record is a header if the layout says so or, under "auto", if it
///           has the names above, in small or capital letters. A name that is read occurs once; the same
///           spelling comes before others, which are other columns then. Without a header, columns are taken
///           from the left, or by the numbers in `columns`.
/// Width     a record has at most as many columns as the first one: a separator inside a text would shift the
///           columns after it. Queries without a header may have any number of negatives.
/// Others    columns that are not read are errors, unless `columns` selects what is read. Under kIgnore
///           they are counted in left_out(), by the first record.
/// JSON      strings, numbers and booleans; the last column of queries may be a list of strings.
class TextColumns {
 public:
  /// Reads the first record of the file. Throws DataError naming the file, ConfigError if `columns` does not
  /// fit the format.
  TextColumns(const PositionedFile& file, RecordSyntax syntax, const TextLayout& layout,
              SetBy set_by = SetBy::kKeys);

  /// Columns that nothing reads, under other_columns: ignore.
  const LeftOut& left_out() const { return left_out_; }
  bool has_header() const { return has_header_; }
  /// The record's values in the order of the columns, with lists expanded. Throws DataError, without naming a
  /// place, if one is missing or not UTF-8.
  std::vector<std::string> values(const RecordReader& reader) const;

 private:
  void place(const std::vector<std::string>& first);
  bool find_names(const std::vector<std::string>& present);
  bool as_asked(const std::string& key) const;
  void take_others(const std::vector<std::string>& present);
  void refuse_others(const std::vector<std::string>& others) const;
  std::string column_of(size_t v) const;
  void refuse_problem(const RecordReader& reader) const;
  void take_by_number(const std::vector<std::string>& first);
  void take_from_the_left(size_t present);
  std::vector<std::string> values_of_table(const std::vector<std::string>& columns) const;
  std::vector<std::string> values_of_json(const std::string& record) const;

  RecordSyntax syntax_;
  TextLayout layout_;
  SetBy set_by_;
  std::string file_;
  LeftOut left_out_;
  bool has_header_ = false;
  std::vector<std::string> keys_;  // columns or keys that are read, as the first record spells them
  std::vector<size_t> positions_;  // of columns
  size_t width_ = 0;               // columns of a record at most; 0: any number
};

}  // namespace lodestone::sampler
