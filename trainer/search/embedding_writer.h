#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include <ATen/core/Tensor.h>

#include "trainer/search/embeddings.h"

namespace lodestone::search {

/// A format of embeddings files, chosen by the ending of the file's name.
struct EmbeddingFormat;

/// The names that files of embeddings can have, for help and messages: "*.safetensors, *.npy or *.jsonl".
std::string embedding_file_names();

/// Describes an embeddings file that is to be written.
struct EmbeddingPlan {
  std::filesystem::path output;  ///< .safetensors, .npy, or .jsonl; lines of .jsonl hold id and label too
  int64_t rows = 0;              ///< number of samples; the file has fewer rows if some are left out
  int64_t width = 0;
  std::map<std::string, std::string> about;  ///< Embeddings::about; only safetensors stores it
  /// Identifies the samples, their order, and how they are read: a partial file of another input is not
  /// continued.
  std::string input{};
};

/// Writes embeddings row by row, in memory bounded by the size of one append, and continues where an earlier
/// process ended. Until finish() there is no file named `output`: rows are written to OUTPUT.partial (and
/// OUTPUT.rows.jsonl.partial), and OUTPUT.place records how much of them is durable. If it was written for
/// another plan, the file is started again.
/// Threads   one caller
class EmbeddingWriter {
 public:
  /// Throws ConfigError for another file name extension; IoError.
  explicit EmbeddingWriter(EmbeddingPlan plan);

  /// Number of samples that were processed: the index of the next append's first sample.
  int64_t done() const { return done_; }
  /// Number of those samples that have no row.
  int64_t left_out() const { return left_out_; }
  /// Appends rows; `left_out` more samples have no row. Throws IoError.
  /// Requires  z_nD [n, width] float32 contiguous on the CPU; no more samples than remain
  void append(const at::Tensor& z_nD, std::span<const EmbeddedRow> rows, int64_t left_out = 0);
  /// Makes the appended rows durable, so that a later process continues after them.
  /// Cost      one or two fsync
  void save_place();
  /// Writes the number of rows to the header and renames the file to `output`. Requires done() == plan.rows.
  void finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  bool resume();
  void begin();
  std::string plan_text() const;
  std::string head(int64_t rows) const;
  void write_head_of_rows_left() const;

  EmbeddingPlan plan_;
  const EmbeddingFormat* format_;
  std::filesystem::path partial_, rows_partial_, place_;
  File file_, rows_file_;  // rows_file_: null for .jsonl
  int64_t done_ = 0, left_out_ = 0;
};

}  // namespace lodestone::search
