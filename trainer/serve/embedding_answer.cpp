#include "trainer/serve/embedding_answer.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <string>

#include <sodium.h>

#include "trainer/http/media_type.h"

namespace lodestone::serve {

namespace {

static_assert(std::endian::native == std::endian::little, "rows are sent as they lie in memory");

void append_base64(std::string& out, const float* row, size_t width) {
  const size_t bytes = width * sizeof(float), at = out.size();
  out.resize(at + sodium_base64_ENCODED_LEN(bytes, sodium_base64_VARIANT_ORIGINAL));
  ::sodium_bin2base64(out.data() + at, out.size() - at, reinterpret_cast<const unsigned char*>(row), bytes,
                      sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();  // the terminating zero
}

// Not by the JSON library, which would make a value of each number: that took as long as reading the request.
void append_list(std::string& out, const float* row, size_t width) {
  char text[32];
  for (size_t i = 0; i < width; ++i) {
    if (i > 0) out += ',';
    if (!std::isfinite(row[i])) {
      out += "null";
      continue;
    }
    out.append(text, std::to_chars(text, text + sizeof text, row[i]).ptr);
  }
}

}  // namespace

RowEncoding row_encoding(std::string_view accept, bool base64) {
  while (!accept.empty()) {
    const std::string_view one = accept.substr(0, accept.find(','));
    if (http::is_media_type(one, "application/octet-stream")) return RowEncoding::kBytes;
    if (http::is_media_type(one, "application/json")) break;
    accept.remove_prefix(std::min(accept.size(), one.size() + 1));
  }
  return base64 ? RowEncoding::kBase64 : RowEncoding::kList;
}

void append_row(std::string& out, const at::Tensor& z_nD, int64_t row, bool base64) {
  const auto width = static_cast<size_t>(z_nD.size(1));
  const float* values = z_nD.const_data_ptr<float>() + row * z_nD.size(1);
  out += base64 ? '"' : '[';
  base64 ? append_base64(out, values, width) : append_list(out, values, width);
  out += base64 ? '"' : ']';
}

http::HttpAnswer embedding_answer(const at::Tensor& z_nD, int64_t step, RowEncoding encoding) {
  const auto rows = static_cast<size_t>(z_nD.size(0)), width = static_cast<size_t>(z_nD.size(1));
  const float* data = z_nD.const_data_ptr<float>();
  if (encoding == RowEncoding::kBytes)
    return {200,
            "application/octet-stream",
            std::string(reinterpret_cast<const char*>(data), rows * width * sizeof(float)),
            {{"Embedding-Shape", std::to_string(rows) + ", " + std::to_string(width)},
             {"Model-Step", std::to_string(step)}}};
  const bool base64 = encoding == RowEncoding::kBase64;
  std::string body = "{\"embeddings\":[";
  body.reserve(rows * width * (base64 ? 6 : 14) + 64);
  for (int64_t i = 0; i < z_nD.size(0); ++i) {
    body += i > 0 ? "," : "";
    append_row(body, z_nD, i, base64);
  }
  body += "],\"step\":" + std::to_string(step) + "}\n";
  return {200, "application/json", std::move(body)};
}

}  // namespace lodestone::serve
