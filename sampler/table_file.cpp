#include "sampler/table_file.h"

#include <algorithm>

#include "common/error.h"

namespace lodestone {

TableReader::TableReader(std::string_view text, char separator, std::string_view where)
    : text_(text), separator_(separator), where_(where) {
  if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
}

bool TableReader::next(std::vector<std::string>& fields) {
  while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r'))
    if (text_[at_++] == '\n') ++line_;
  row_line_ = line_;
  fields.clear();
  if (at_ == text_.size()) return false;
  for (;;) {
    if (separator_ == ',' && at_ < text_.size() && text_[at_] == '"') {
      fields.push_back(quoted());
    } else {
      const size_t end = std::min(text_.find_first_of(std::string{separator_, '\n'}, at_), text_.size());
      fields.emplace_back(text_.substr(at_, end - at_));
      at_ = end;
      if ((end == text_.size() || text_[end] == '\n') && fields.back().ends_with('\r'))
        fields.back().pop_back();
    }
    if (at_ == text_.size() || text_[at_] == '\n') return true;
    ++at_;  // the separator
  }
}

std::string TableReader::quoted() {
  std::string field;
  for (++at_; at_ < text_.size(); ++at_) {
    if (text_[at_] == '\n') ++line_;
    if (text_[at_] != '"') {
      field += text_[at_];
    } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
      field += '"';
      ++at_;
    } else {
      ++at_;
      if (at_ < text_.size() && text_[at_] == '\r') ++at_;
      if (at_ == text_.size() || text_[at_] == separator_ || text_[at_] == '\n') return field;
      break;
    }
  }
  throw DataError(
      "table: expected a quoted field to end before a comma or a line end, got something else in the row "
      "at " +
      std::string(where_) + ":" + std::to_string(row_line_) + "; quote it as in \"a \"\"b\"\"\"");
}

}  // namespace lodestone
