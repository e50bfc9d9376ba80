#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sampler/sources/positioned_file.h"

namespace lodestone {

/// How records lie in a text file.
/// kJsonLines   one JSON object a line                 kTabs   one record a line, columns between tabs, no quoting
/// kLines       one text a line, whatever is in it
/// kCommas      RFC 4180: columns between commas; a column in "quotes" may hold commas, "" for a quote, and line breaks where the
///              reader is told so. A quote inside a column that does not begin with one stands for itself.
enum class RecordSyntax { kJsonLines, kTabs, kCommas, kLines };

/// By the ending of the name: .jsonl, .ndjson or .json; .csv; .txt is one text a line; anything else is of tabs.
RecordSyntax syntax_of(const std::string& path);

/// Reads the records of a text file one after the other, from any record's offset. What is no record is one all the same, with a
/// problem(), and ends with its first line: a quote that nobody closes costs a line, not the rest of the file.
/// Memory    one record and one chunk                  Cost    linear in the file
/// Errors    the DataError of PositionedFile
class RecordReader {
 public:
  static constexpr int64_t kMaxRecordBytes = int64_t{4} << 20;
  /// How far a quoted column's end is looked for where columns are of one line, and where it was looked for in vain before.
  static constexpr int64_t kMaxLines = 100;

  /// A byte order mark at the beginning of the file is passed over. `multiline`: a quoted column may go over several lines. `file`
  /// outlives the reader.
  RecordReader(const PositionedFile& file, RecordSyntax syntax, bool multiline = false, int64_t offset = 0,
               int64_t chunk = 1 << 20);

  /// Goes to the next record; false at the end of the file. Blank lines are passed over.
  bool next();
  /// The record's columns, without quotes and line end; of JSON and kLines one, the line.
  const std::vector<std::string>& columns() const { return columns_; }
  /// Where it begins: bytes, and the number of its first line (from 1 at the offset that the reader began with).
  int64_t offset() const { return offset_; }
  int64_t line() const { return line_; }
  /// How many lines it takes.
  int64_t lines() const { return next_line_ - line_; }
  /// Why it cannot be read, "expected …, got …"; else empty.
  const std::string& problem() const { return problem_; }
  /// Whether that is a quoted column that does not end on its line.
  bool open_quote() const { return open_quote_; }

 private:
  /// What the byte before the next one was, within its column.
  enum class Place { kBegin, kPlain, kQuoted, kClosed, kReturn };

  bool read_one();
  void begin_record();
  void add(char byte);
  void add_of_commas(char byte);
  void end_record();
  void refuse(std::string problem);
  void refuse_open_quote();
  bool blank() const;
  bool take(char& byte);
  int64_t position() const { return bytes_end_ - static_cast<int64_t>(bytes_.size() - at_); }
  void go_to(int64_t offset);

  const PositionedFile& file_;
  RecordSyntax syntax_;
  bool multiline_;
  int64_t chunk_;
  std::vector<std::byte> bytes_;
  size_t at_ = 0;      // in bytes_
  int64_t bytes_end_;  // offset behind bytes_
  int64_t next_line_ = 1;
  int64_t searched_to_ = 0;  // offset up to which an end was looked for in vain

  // Of the record:
  std::vector<std::string> columns_;
  Place place_ = Place::kBegin;
  std::string problem_;
  bool open_quote_ = false;
  int64_t quote_line_ = 0;   // of the last quote that opened
  int64_t length_ = 0;       // in bytes
  int64_t second_line_ = 0;  // offset behind the first line, once that was read
  int64_t offset_ = 0;
  int64_t line_ = 0;
};

}  // namespace lodestone
