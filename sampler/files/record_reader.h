#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sampler/files/positioned_file.h"

namespace lodestone::sampler {

/// The syntax of the records of a text file.
/// kJsonLines  one JSON object per line
/// kTabs       one record per line, columns separated by tabs, no quoting
/// kLines      one text per line, whatever it contains
/// kCommas     RFC 4180: columns separated by commas; a column in "quotes" may contain commas, "" for a
///             quote, and line breaks if the reader allows them. A quote inside a column that does not begin
///             with one is an ordinary character.
enum class RecordSyntax { kJsonLines, kTabs, kCommas, kLines };

/// The syntax by the ending of the name: .jsonl, .ndjson or .json; .csv; .txt is one text per line;
/// everything else has tabs.
RecordSyntax syntax_of(const std::string& path);

/// Reads the records of a text file in order, starting at any record's offset. Text that is no valid record
/// is returned as a record with a problem(), and ends with its first line: an unclosed quote costs one line,
/// not the rest of the file.
/// Cost      linear in the file; memory one record and one chunk.
/// Throws    the DataError of PositionedFile.
class RecordReader {
 public:
  static constexpr int64_t kMaxRecordBytes = int64_t{4} << 20;
  /// Number of lines in which the end of a quoted column is searched, where columns have only one line or
  /// where an earlier search failed.
  static constexpr int64_t kMaxLines = 100;

  /// A byte order mark at the beginning of the file is skipped. `multiline`: a quoted column may span lines.
  /// `file` must outlive the reader.
  RecordReader(const PositionedFile& file, RecordSyntax syntax, bool multiline = false, int64_t offset = 0,
               int64_t chunk = 1 << 20);

  /// Reads the next record; false at the end of the file. Blank lines are skipped.
  bool next();
  /// The record's columns, without quotes and line end; for JSON and kLines, the whole line as one column.
  const std::vector<std::string>& columns() const { return columns_; }
  /// Where the record begins: byte offset, and number of its first line (counted from 1 at the reader's first
  /// offset).
  int64_t offset() const { return offset_; }
  int64_t line() const { return line_; }
  /// Number of lines in the record.
  int64_t lines() const { return next_line_ - line_; }
  /// Why the record cannot be read, "expected …, got …"; else empty.
  const std::string& problem() const { return problem_; }
  /// Whether the problem is a quoted column that does not end on its line.
  bool open_quote() const { return open_quote_; }

 private:
  /// Where the previous byte was, within its column.
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
  int64_t bytes_end_;  // offset of the end of bytes_
  int64_t next_line_ = 1;
  int64_t searched_to_ = 0;  // offset up to which no end was found

  // The current record:
  std::vector<std::string> columns_;
  Place place_ = Place::kBegin;
  std::string problem_;
  bool open_quote_ = false;
  int64_t quote_line_ = 0;   // of the last quote that opened
  int64_t length_ = 0;       // in bytes
  int64_t second_line_ = 0;  // offset of the second line, once the first was read
  int64_t offset_ = 0;
  int64_t line_ = 0;
};

}  // namespace lodestone::sampler
