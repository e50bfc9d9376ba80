#pragma once

#include <cstdint>
#include <string>

#include "sampler/positioned_file.h"

namespace lodestone {

/// How records lie in a text file.
/// kJsonLines   one JSON object a line                 kTabs   one record a line, columns between tabs, no quoting
/// kCommas      RFC 4180: columns between commas; a column in "quotes" may hold commas, line breaks and "" for a quote
enum class RecordSyntax { kJsonLines, kTabs, kCommas };

/// By the ending of the name: .jsonl, .ndjson or .json; .csv; anything else is of tabs.
RecordSyntax syntax_of(const std::string& path);

/// Reads the records of a text file one after the other, from any record's offset.
/// Memory    one record and one chunk
/// Errors    a record of more than 4 MiB is cut there and marked; the DataError of PositionedFile
class RecordReader {
 public:
  static constexpr int64_t kMaxRecordBytes = int64_t{4} << 20;

  /// A byte order mark at the beginning of the file is passed over. `file` outlives the reader.
  RecordReader(const PositionedFile& file, RecordSyntax syntax, int64_t offset = 0, int64_t chunk = 1 << 20);

  /// Goes to the next record; false at the end of the file. Blank lines are passed over.
  bool next();
  /// The record without its line end.
  const std::string& record() const { return record_; }
  /// Where it begins: bytes, and the number of its first line (from 1 at the offset that the reader began with).
  int64_t offset() const { return offset_; }
  int64_t line() const { return line_; }
  /// Whether it is longer than kMaxRecordBytes, so that record() is only its beginning.
  bool too_long() const { return too_long_; }

 private:
  bool read_one();
  bool take(char& byte);

  const PositionedFile& file_;
  RecordSyntax syntax_;
  int64_t chunk_;
  std::vector<std::byte> bytes_;
  size_t at_ = 0;      // in bytes_
  int64_t bytes_end_;  // offset behind bytes_
  int64_t next_line_ = 1;
  std::string record_;
  int64_t offset_ = 0;
  int64_t line_ = 0;
  bool too_long_ = false;
};

}  // namespace lodestone
