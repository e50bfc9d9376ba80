#include "trainer/search/embeddings.h"

#include <algorithm>

#include <ATen/ops/empty.h>
#include <nlohmann/json.hpp>

#include "common/file_kind.h"
#include "common/files.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/safetensors.h"

namespace lodestone::search {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kTensor = "embeddings";
constexpr const char* kThumbnails = "thumbnails";
constexpr const char* kThumbnailBytes = "thumbnail_bytes";
constexpr const char* kRows = "rows";
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 40;

[[noreturn]] void refuse(const fs::path& file, const std::string& got) {
  throw DataError(file.string() +
                  ": expected embeddings in *.safetensors, as `lodestone embed` or `lodestone gallery` "
                  "writes them, got " +
                  got + "; name such a file, or make one by `lodestone embed --output FILE.safetensors`");
}

EmbeddedRow row_of(const Json& json, const fs::path& file) {
  try {
    return row_from_json(json);
  } catch (const DataError& error) {
    refuse(file, error.what());
  }
}

std::vector<EmbeddedRow> rows_from(const fs::path& file) {
  try {
    return rows_of_lines(read_file(rows_beside(file), kMaxFileBytes));
  } catch (const DataError& error) {
    refuse(rows_beside(file), error.what());
  }
}

// The thumbnails follow one another in a tensor; each row says how long its own is.
void share_thumbnails(const Json& json, const at::Tensor& bytes_B, std::vector<EmbeddedRow>& rows,
                      const fs::path& file) {
  const bool is_flat = bytes_B.dim() == 1 && bytes_B.scalar_type() == at::kByte;
  const auto* bytes = is_flat ? reinterpret_cast<const char*>(bytes_B.const_data_ptr<uint8_t>()) : nullptr;
  size_t left = is_flat ? static_cast<size_t>(bytes_B.numel()) : 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto found = json[i].find(kThumbnailBytes);
    if (found == json[i].end()) continue;
    const auto size = found->is_number_unsigned() ? found->get<size_t>() : SIZE_MAX;
    if (size > left) refuse(file, "thumbnails that are shorter than its rows say");
    rows[i].thumbnail.assign(bytes, size);
    bytes += size;
    left -= size;
  }
}

std::vector<EmbeddedRow> rows_within(const std::string& text, const at::Tensor& thumbnails_B,
                                     const fs::path& file) {
  const Json json = read_json(text).value_or(nullptr);
  if (!json.is_array()) refuse(file, "rows that are no JSON array");
  std::vector<EmbeddedRow> rows;
  for (const Json& row : json) rows.push_back(row_of(row, file));
  if (thumbnails_B.defined()) share_thumbnails(json, thumbnails_B, rows, file);
  return rows;
}

at::Tensor as_bytes(const std::string& text) {
  at::Tensor bytes_B = at::empty({static_cast<int64_t>(text.size())}, at::kByte);
  std::copy(text.begin(), text.end(), reinterpret_cast<char*>(bytes_B.mutable_data_ptr<uint8_t>()));
  return bytes_B;
}

}  // namespace

eval::Similarity Embeddings::similarity() const {
  return choice_named(fact("likeness"), eval::kSimilarities).value_or(eval::Similarity::kCosine);
}

std::string Embeddings::fact(const std::string& name) const {
  const auto found = about.find(name);
  return found == about.end() ? "" : found->second;
}

fs::path rows_beside(const fs::path& file) {
  return file.string() + ".rows.jsonl";
}

Embeddings read_embeddings(const fs::path& file) {
  const std::string bytes = read_file(file, kMaxFileBytes);
  if (const FileKind* kind = file_kind(bytes)) refuse(file, kind->name);
  Embeddings found;
  at::Tensor thumbnails_B;
  try {
    found.about = read_safetensors_header(bytes, file.string()).metadata;
    auto tensors = decode_safetensors(bytes, file.string());
    if (tensors.contains("faiss")) refuse(file, "an index of `lodestone index`");
    const auto z = tensors.find(kTensor);
    if (z == tensors.end() || z->second.dim() != 2 || z->second.scalar_type() != at::kFloat ||
        z->second.size(1) < 1)
      refuse(file, "no float32 matrix named 'embeddings'");
    found.z_ND = z->second;
    if (const auto images = tensors.find(kThumbnails); images != tensors.end()) thumbnails_B = images->second;
  } catch (const CheckpointError& error) {
    refuse(file, std::string("one that cannot be read: ") + error.what());
  }
  const auto within = found.about.find(kRows);
  found.rows_N =
      within == found.about.end() ? rows_from(file) : rows_within(within->second, thumbnails_B, file);
  found.about.erase(kRows);
  if (static_cast<int64_t>(found.rows_N.size()) != found.size())
    refuse(file, std::to_string(found.size()) + " embeddings with " + std::to_string(found.rows_N.size()) +
                     " rows");
  return found;
}

void write_embeddings(const fs::path& file, const Embeddings& embeddings) {
  Json rows = Json::array();
  std::string thumbnails;
  for (const EmbeddedRow& row : embeddings.rows_N) {
    rows.push_back(to_json(row));
    if (row.thumbnail.empty()) continue;
    rows.back()[kThumbnailBytes] = row.thumbnail.size();
    thumbnails += row.thumbnail;
  }
  auto about = embeddings.about;
  about[kRows] = json_text(rows);
  TensorMap tensors = {{kTensor, embeddings.z_ND}};
  if (!thumbnails.empty()) tensors.emplace(kThumbnails, as_bytes(thumbnails));
  write_safetensors(file, tensors, about);
}

}  // namespace lodestone::search
