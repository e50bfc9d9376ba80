#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/eval/rows.h"
#include "trainer/search/embedded_row.h"

namespace lodestone::search {

/// Embeddings of many samples, with the metadata needed to compare them. `about` holds "likeness" (cosine:
/// rows are of unit length; l2), "model" (checksum of the weights), "step" and "source" (the input).
/// Shapes    z_ND float32, on the CPU; rows_N.size() == N
struct Embeddings {
  at::Tensor z_ND;
  std::vector<EmbeddedRow> rows_N;
  std::map<std::string, std::string> about;

  int64_t size() const { return z_ND.size(0); }
  eval::Similarity similarity() const;
  /// The entry of `about`; "" if there is none.
  std::string fact(const std::string& name) const;
};

/// The file with the rows' metadata: FILE.rows.jsonl beside FILE.
std::filesystem::path rows_beside(const std::filesystem::path& file);

/// Reads a safetensors file of `lodestone embed`, or a gallery, whose metadata is in the file itself. The
/// bytes are untrusted.
/// Throws    IoError if a file cannot be read; DataError naming the file if it holds no embeddings, or
///           another number of rows
Embeddings read_embeddings(const std::filesystem::path& file);

/// Replaces `file` atomically; the metadata is in the file itself, thumbnails in a tensor. At most as many
/// rows as fit a header of 100 MB without their thumbnails.
void write_embeddings(const std::filesystem::path& file, const Embeddings& embeddings);

}  // namespace lodestone::search
