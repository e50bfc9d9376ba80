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

namespace lodestone {

/// What an embeddings file is going to be.
struct EmbeddingPlan {
  std::filesystem::path output;  ///< .safetensors, .npy, or .jsonl, whose lines hold id and label as well
  int64_t rows = 0;              ///< samples; fewer rows where some are left out
  int64_t width = 0;
  std::map<std::string, std::string>
      about;  ///< Embeddings::about; safetensors keeps it, the other formats have no place for it
  /// Changes with the samples, their order, and how they are read: another one is not gone on from.
  std::string input{};
};

/// Writes embeddings row after row, in memory bounded by what one append is given, and goes on where a process before it ended.
/// Until finish() nothing bears the name `output`: rows gather in OUTPUT.partial (and OUTPUT.rows.jsonl.partial), and OUTPUT.place
/// says up to where they are durable. A place of another plan is not gone on from: the file is begun anew.
/// Threads   one caller
class EmbeddingWriter {
 public:
  /// Throws ConfigError for another ending; IoError.
  explicit EmbeddingWriter(EmbeddingPlan plan);

  /// Samples that were seen to: the next append's first.
  int64_t done() const { return done_; }
  /// Those of them that have no row.
  int64_t left_out() const { return left_out_; }
  /// Rows, and how many samples among theirs are left out. Requires z_nD [n, width] float32 contiguous on the CPU, no more samples
  /// than are missing. Throws IoError.
  void append(const at::Tensor& z_nD, std::span<const EmbeddedRow> rows, int64_t left_out = 0);
  /// Makes what was appended survive a crash. Costs an fsync or two.
  void save_place();
  /// Requires done() == plan.rows. The file gets its name; its head says how many rows it has.
  void finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  bool go_on();
  void begin();
  std::string plan_text() const;
  std::string head(int64_t rows) const;
  void write_head_of_rows_left() const;

  EmbeddingPlan plan_;
  std::string ending_;
  std::filesystem::path partial_, rows_partial_, place_;
  File file_, rows_file_;  // rows_file_: null for .jsonl
  int64_t done_ = 0, left_out_ = 0;
};

}  // namespace lodestone
