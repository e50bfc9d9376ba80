#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone {

/// Reads the rows of comma- or tab-separated text. Commas: RFC 4180, so a field in double quotes may hold commas, line ends and
/// doubled quotes. Tabs: every character stands for itself. A byte order mark at the front, "\r" at line ends and empty lines are
/// passed over. Any bytes are safe.
class TableReader {
 public:
  /// Both must outlive the reader; `where` names the text in messages.
  TableReader(std::string_view text, char separator, std::string_view where);

  /// The next row's fields, or false at the end. Throws DataError for a quote that is not closed or closes inside a field.
  bool next(std::vector<std::string>& fields);
  /// The line, from 1, at which the last row began.
  int64_t line() const { return row_line_; }

 private:
  std::string quoted();

  std::string_view text_;
  char separator_;
  std::string_view where_;
  size_t at_ = 0;
  int64_t line_ = 1;
  int64_t row_line_ = 0;
};

}  // namespace lodestone
