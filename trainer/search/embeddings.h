#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/eval/rows.h"

namespace lodestone {

/// What is known of an embedded sample beside its embedding.
struct EmbeddedRow {
  std::string id;     ///< where the sample lies: a path below the input, "shard.tar!member", "file.tsv:12"
  std::string label;  ///< the name of its class; empty where it has none

  bool operator==(const EmbeddedRow&) const = default;
};

/// Embeddings of many samples, with what one must know to compare them.
/// Shapes    z_ND float32, on the CPU; rows_N.size() == N
/// About     "likeness" (cosine: rows are of unit length; l2), "model" (checksum of the weights), "step", "source" (the input)
struct Embeddings {
  at::Tensor z_ND;
  std::vector<EmbeddedRow> rows_N;
  std::map<std::string, std::string> about;

  int64_t size() const { return z_ND.size(0); }
  Likeness likeness() const;
  /// What `about` says of it; "" if nothing.
  std::string fact(const std::string& name) const;
};

/// Where the rows of an embeddings file lie: FILE.rows.jsonl beside FILE.
std::filesystem::path rows_beside(const std::filesystem::path& file);

/// One line of that file, with its line end. Bytes that are no UTF-8 become U+FFFD.
std::string row_line(const EmbeddedRow& row);

/// Reads what `lodestone embed` wrote as safetensors, or a gallery, whose rows are in the file itself. The bytes are untrusted.
/// Throws    IoError if a file cannot be read; DataError naming the file if it holds no embeddings, or another number of rows
Embeddings read_embeddings(const std::filesystem::path& file);

/// Replaces `file` atomically; the rows are in the file itself. For as many rows as a header of 100 MB holds.
void write_embeddings(const std::filesystem::path& file, const Embeddings& embeddings);

}  // namespace lodestone
