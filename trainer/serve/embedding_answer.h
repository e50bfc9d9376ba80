#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "trainer/http/http_server.h"

namespace lodestone::serve {

/// How rows are sent.
enum class RowEncoding {
  kList,    ///< JSON: lists of numbers, each the shortest that reads as the same float32
  kBase64,  ///< JSON: float32, little-endian, in base64, a text per row
  kBytes,   ///< application/octet-stream: float32, little-endian, row after row
};

/// The encoding that a request asks for: kBytes if its Accept names application/octet-stream before
/// application/json.
RowEncoding row_encoding(std::string_view accept, bool base64);

/// Appends a row as JSON: a list, or base64 in quotation marks.
/// Shapes    z_nD float32, contiguous, on the CPU
void append_row(std::string& out, const at::Tensor& z_nD, int64_t row, bool base64);

/// The answer of /embed. With kBytes, the headers Embedding-Shape (rows, width) and Model-Step have the rest.
/// Shapes    z_nD float32, contiguous, on the CPU
http::HttpAnswer embedding_answer(const at::Tensor& z_nD, int64_t step, RowEncoding encoding);

}  // namespace lodestone::serve
