#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sampler/bad_records.h"
#include "sampler/left_out.h"
#include "sampler/texts/text_layout.h"

namespace lodestone::sampler {

/// Reads the texts of several files one after the other: .jsonl, .csv, .tsv or one text per line.
/// Cost      memory for one row.
/// Errors    a bad line is handled by `bad_records`.
class TextStream {
 public:
  /// `inputs` may have globs and braces (path_patterns.h). `columns` are the columns or keys that hold text;
  /// empty: the usual ones (text_columns.h).
  TextStream(const std::vector<std::string>& inputs, const std::vector<std::string>& columns,
             BadRecordConfig bad_records = {});
  ~TextStream();

  /// The next text; empty at the end of the last file.
  /// Throws    DataError naming file and line
  std::optional<std::string> next();

  /// Lines that were skipped.
  const LeftOut& left_out() const { return left_out_; }

 private:
  struct Open;

  bool read_row();
  void leave_out(const std::string& error);

  TextLayout layout_;
  std::vector<std::string> paths_;
  size_t next_path_ = 0;
  std::unique_ptr<Open> open_;
  std::vector<std::string> values_;
  size_t next_value_ = 0;
  BadRecordConfig bad_records_;
  int64_t lines_ = 0;
  LeftOut left_out_;
  std::vector<std::string> messages_;
};

}  // namespace lodestone::sampler
