#include "sampler/files/record_reader.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>

#include "common/error.h"
#include "common/file_kind.h"
#include "common/utf8.h"

namespace lodestone::sampler {

namespace {

constexpr int64_t kBeginning = 16;

bool begins_with(const PositionedFile& file, std::string_view mark) {
  const auto length = static_cast<int64_t>(mark.size());
  return file.size() >= length && std::memcmp(file.read(0, length).data(), mark.data(), mark.size()) == 0;
}

}  // namespace

RecordSyntax syntax_of(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (ending == ".jsonl" || ending == ".ndjson" || ending == ".json") return RecordSyntax::kJsonLines;
  if (ending == ".txt") return RecordSyntax::kLines;
  return ending == ".csv" ? RecordSyntax::kCommas : RecordSyntax::kTabs;
}

RecordReader::RecordReader(const PositionedFile& file, RecordSyntax syntax, bool multiline, int64_t offset,
                           int64_t chunk)
    : file_(file), syntax_(syntax), multiline_(multiline), chunk_(chunk), bytes_end_(offset) {
  if (offset > 0) return;
  if (begins_with(file, kUtf8Mark)) bytes_end_ = static_cast<int64_t>(kUtf8Mark.size());
  for (const char* mark : {"\xFF\xFE", "\xFE\xFF"})
    if (begins_with(file, mark))
      throw DataError("records: expected UTF-8, got UTF-16 in " + file.path() +
                      "; convert it, as iconv -f UTF-16 -t UTF-8 does");
  const auto begin = file.read(0, std::min<int64_t>(file.size(), kBeginning));
  if (const FileKind* kind = kind_of_no_text({reinterpret_cast<const char*>(begin.data()), begin.size()}))
    throw DataError("records: expected a text file (*.csv, *.tsv, *.jsonl, *.txt), got " + file.path() +
                    ", which is " + kind_and_remedy(kind, ""));
}

bool RecordReader::next() {
  while (read_one())
    if (!blank()) return true;
  return false;
}

bool RecordReader::blank() const {
  return problem_.empty() && columns_.size() == 1 && columns_[0].empty() && place_ != Place::kClosed &&
         place_ != Place::kReturn;
}

bool RecordReader::take(char& byte) {
  if (at_ == bytes_.size()) {
    const int64_t left = std::min(chunk_, file_.size() - bytes_end_);
    if (left <= 0) return false;
    bytes_ = file_.read(bytes_end_, left);
    bytes_end_ += left;
    at_ = 0;
  }
  byte = static_cast<char>(bytes_[at_++]);
  return true;
}

void RecordReader::go_to(int64_t offset) {
  const int64_t bytes_begin = bytes_end_ - static_cast<int64_t>(bytes_.size());
  if (offset >= bytes_begin) {
    at_ = static_cast<size_t>(offset - bytes_begin);
    return;
  }
  bytes_.clear();
  at_ = 0;
  bytes_end_ = offset;
}

void RecordReader::begin_record() {
  columns_.assign(1, "");
  place_ = Place::kBegin;
  problem_.clear();
  open_quote_ = false;
  length_ = 0;
  offset_ = position();
  line_ = next_line_;
}

// If something is wrong from the second line on, the first line becomes a bad record of its own, and the next
// record begins after it. To stay linear for any file, no byte is searched twice, except by searches of
// kMaxLines.
bool RecordReader::read_one() {
  begin_record();
  const bool far = multiline_ && offset_ >= searched_to_;
  char byte = '\n';
  bool any = false, ended = false;
  while (!ended && take(byte)) {
    any = true;
    if (byte == '\n') {
      ++next_line_;
      if (lines() == 1) second_line_ = position();
      ended = place_ != Place::kQuoted || !problem_.empty();
      if (!ended && !far && lines() >= kMaxLines) refuse_open_quote();
    }
    if (!ended && problem_.empty()) add(byte);
    if (lines() > 0 && !problem_.empty()) ended = true;
  }
  if (byte != '\n') ++next_line_;  // the file ends without a line break
  if (any) end_record();
  return any;
}

void RecordReader::end_record() {
  if (problem_.empty() && place_ == Place::kQuoted) refuse_open_quote();
  if (!problem_.empty() && lines() > 1) {
    searched_to_ = std::max(searched_to_, position());
    go_to(second_line_);
    next_line_ = line_ + 1;
  }
  if (problem_.empty() && !multiline_ && lines() > 1) {
    refuse("expected columns of one line, got a quoted one that continues from line " +
           std::to_string(quote_line_) + " to a later one");
    open_quote_ = true;
  }
  if (place_ == Place::kPlain && columns_.back().ends_with('\r')) columns_.back().pop_back();
}

void RecordReader::add(char byte) {
  if (++length_ > kMaxRecordBytes) {
    if (lines() > 0)
      refuse_open_quote();
    else
      refuse("expected a record of at most 4 MiB, got a longer one");
    return;
  }
  if (byte == '\0') {
    refuse("expected text, got a byte 0; remove it, or convert the file if it is UTF-16");
    return;
  }
  if (syntax_ == RecordSyntax::kCommas) return add_of_commas(byte);
  place_ = Place::kPlain;
  if (syntax_ == RecordSyntax::kTabs && byte == '\t')
    columns_.emplace_back();
  else
    columns_.back().push_back(byte);
}

void RecordReader::add_of_commas(char byte) {
  const bool quote = byte == '"';
  if (place_ == Place::kQuoted) {
    if (quote)
      place_ = Place::kClosed;
    else
      columns_.back().push_back(byte);
  } else if (place_ == Place::kClosed && quote) {
    columns_.back().push_back(byte);
    place_ = Place::kQuoted;
  } else if (byte == ',' && place_ != Place::kReturn) {
    columns_.emplace_back();
    place_ = Place::kBegin;
  } else if (place_ == Place::kClosed && byte == '\r') {
    place_ = Place::kReturn;
  } else if (place_ == Place::kClosed || place_ == Place::kReturn) {
    if (lines() > 0)
      refuse_open_quote();
    else
      refuse(
          "expected a comma behind a closing quote, got another character; write a quote inside quotes "
          "twice");
  } else if (place_ == Place::kBegin && quote) {
    place_ = Place::kQuoted;
    quote_line_ = next_line_;
  } else {
    columns_.back().push_back(byte);
    place_ = Place::kPlain;
  }
}

void RecordReader::refuse(std::string problem) {
  problem_ = std::move(problem);
  columns_.assign(1, "");
}

void RecordReader::refuse_open_quote() {
  refuse("expected a closing quote, got none for the one that opens a column on line " +
         std::to_string(quote_line_) +
         "; remove it, or write a quote inside a text as \"\" in a column in quotes");
  open_quote_ = true;
}

}  // namespace lodestone::sampler
