#include "sampler/texts/record_reader.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>

namespace lodestone {

namespace {

constexpr int64_t kMarkBytes = 3;

bool begins_with_mark(const PositionedFile& file) {
  if (file.size() < kMarkBytes) return false;
  return std::memcmp(file.read(0, kMarkBytes).data(), "\xEF\xBB\xBF", kMarkBytes) == 0;
}

}  // namespace

RecordSyntax syntax_of(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (ending == ".jsonl" || ending == ".ndjson" || ending == ".json") return RecordSyntax::kJsonLines;
  return ending == ".csv" ? RecordSyntax::kCommas : RecordSyntax::kTabs;
}

RecordReader::RecordReader(const PositionedFile& file, RecordSyntax syntax, int64_t offset, int64_t chunk)
    : file_(file), syntax_(syntax), chunk_(chunk), bytes_end_(offset) {
  if (offset == 0 && begins_with_mark(file)) bytes_end_ = kMarkBytes;
}

bool RecordReader::next() {
  while (read_one())
    if (!record_.empty()) return true;
  return false;
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

// One line, or in RFC 4180 several: a line break inside quotes is part of a column. A quote opens at a column's beginning,
// and again right behind the one that closed ("").
bool RecordReader::read_one() {
  record_.clear();
  too_long_ = false;
  line_ = next_line_;
  offset_ = bytes_end_ - static_cast<int64_t>(bytes_.size() - at_);
  bool any = false;
  bool quoted = false, may_open = syntax_ == RecordSyntax::kCommas;
  for (char byte; take(byte);) {
    any = true;
    if (byte == '\n') ++next_line_;
    if (byte == '\n' && !quoted) break;
    if (syntax_ == RecordSyntax::kCommas) {
      const bool quote = byte == '"', closes = quote && quoted;
      quoted = quote ? !quoted && may_open : quoted;
      may_open = closes || byte == ',';
    }
    if (static_cast<int64_t>(record_.size()) < kMaxRecordBytes)
      record_.push_back(byte);
    else
      too_long_ = true;
  }
  if (!record_.empty() && record_.back() == '\r' && !too_long_) record_.pop_back();
  return any;
}

}  // namespace lodestone
