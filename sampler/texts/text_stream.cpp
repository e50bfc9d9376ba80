#include "sampler/texts/text_stream.h"

#include "common/error.h"
#include "sampler/files/path_patterns.h"
#include "sampler/texts/text_columns.h"

namespace lodestone::sampler {

struct TextStream::Open {
  PositionedFile file;
  TextColumns columns;
  RecordReader reader;
  explicit Open(const std::string& path, const TextLayout& layout)
      : file(path),
        columns(file, syntax_of(path), layout, SetBy::kOption),
        reader(file, syntax_of(path), layout.multiline) {
    if (columns.has_header()) reader.next();
  }
};

TextStream::TextStream(const std::vector<std::string>& inputs, const std::vector<std::string>& columns,
                       BadRecordConfig bad_records)
    : bad_records_(bad_records) {
  layout_.format = TextFormat::kTexts;
  layout_.multiline = true;
  layout_.columns = columns;
  for (const std::string& input : inputs)
    for (std::string& path : expand_paths(input)) paths_.push_back(std::move(path));
}

TextStream::~TextStream() = default;

std::optional<std::string> TextStream::next() {
  while (next_value_ == values_.size())
    if (!read_row()) return {};
  return std::move(values_[next_value_++]);
}

bool TextStream::read_row() {
  if (!open_) {
    if (next_path_ == paths_.size()) {
      check_bad_share(left_out_.count(), lines_, bad_records_, messages_);
      return false;
    }
    open_ = std::make_unique<Open>(paths_[next_path_++], layout_);
  }
  if (!open_->reader.next()) {
    open_.reset();
    return true;
  }
  lines_ += open_->reader.lines();
  try {
    values_ = open_->columns.values(open_->reader);
    next_value_ = 0;
  } catch (const DataError& error) {
    leave_out(error.what());
  }
  return true;
}

void TextStream::leave_out(const std::string& error) {
  constexpr size_t kMessages = 20;
  const std::string file = open_->file.path();
  const int64_t line = open_->reader.line();
  if (!bad_records_.skips()) throw DataError(text_error(file, line, error, "correct or remove the line"));
  const std::string message = text_error(file, line, error);
  left_out_.add("line|lines without a row that can be read (--on-bad-record skip)", message,
                open_->reader.lines());
  if (messages_.size() < kMessages) messages_.push_back(message);
}

}  // namespace lodestone::sampler
