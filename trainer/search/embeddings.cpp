#include "trainer/search/embeddings.h"

#include <string_view>

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
constexpr const char* kRows = "rows";
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 40;

[[noreturn]] void refuse(const fs::path& file, const std::string& got) {
  throw DataError(file.string() +
                  ": expected embeddings in *.safetensors, as `lodestone embed` or `lodestone gallery` "
                  "writes them, got " +
                  got + "; name such a file, or make one by `lodestone embed --output FILE.safetensors`");
}

EmbeddedRow row_of(const Json& json, const fs::path& file) {
  if (!json.is_object() || !json.contains("id") || !json["id"].is_string())
    refuse(file, "a row without an id");
  return {json["id"].get<std::string>(),
          json.contains("label") && json["label"].is_string() ? json["label"].get<std::string>() : ""};
}

std::vector<EmbeddedRow> rows_from(const fs::path& file) {
  const std::string text = read_file(rows_beside(file), kMaxFileBytes);
  std::vector<EmbeddedRow> rows;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (!line.empty()) rows.push_back(row_of(read_json(line).value_or(nullptr), rows_beside(file)));
    begin = end + 1;
  }
  return rows;
}

std::vector<EmbeddedRow> rows_within(const std::string& text, const fs::path& file) {
  const Json json = read_json(text).value_or(nullptr);
  if (!json.is_array()) refuse(file, "rows that are no JSON array");
  std::vector<EmbeddedRow> rows;
  for (const Json& row : json) rows.push_back(row_of(row, file));
  return rows;
}

Json json_of(const EmbeddedRow& row) {
  return {{"id", row.id}, {"label", row.label}};
}

std::string text_of(const Json& json) {
  return json_text(json);
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

std::string row_line(const EmbeddedRow& row) {
  return text_of(json_of(row)) + "\n";
}

Embeddings read_embeddings(const fs::path& file) {
  const std::string bytes = read_file(file, kMaxFileBytes);
  if (const FileKind* kind = file_kind(bytes)) refuse(file, kind->name);
  Embeddings found;
  try {
    found.about = read_safetensors_header(bytes, file.string()).metadata;
    auto tensors = decode_safetensors(bytes, file.string());
    if (tensors.contains("faiss")) refuse(file, "an index of `lodestone index`");
    const auto z = tensors.find(kTensor);
    if (z == tensors.end() || z->second.dim() != 2 || z->second.scalar_type() != at::kFloat ||
        z->second.size(1) < 1)
      refuse(file, "no float32 matrix named 'embeddings'");
    found.z_ND = z->second;
  } catch (const CheckpointError& error) {
    refuse(file, std::string("one that cannot be read: ") + error.what());
  }
  const auto within = found.about.find(kRows);
  found.rows_N = within == found.about.end() ? rows_from(file) : rows_within(within->second, file);
  found.about.erase(kRows);
  if (static_cast<int64_t>(found.rows_N.size()) != found.size())
    refuse(file, std::to_string(found.size()) + " embeddings with " + std::to_string(found.rows_N.size()) +
                     " rows");
  return found;
}

void write_embeddings(const fs::path& file, const Embeddings& embeddings) {
  Json rows = Json::array();
  for (const EmbeddedRow& row : embeddings.rows_N) rows.push_back(json_of(row));
  auto about = embeddings.about;
  about[kRows] = text_of(rows);
  write_safetensors(file, {{kTensor, embeddings.z_ND}}, about);
}

}  // namespace lodestone::search
