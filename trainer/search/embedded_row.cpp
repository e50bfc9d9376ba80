#include "trainer/search/embedded_row.h"

#include <algorithm>
#include <string_view>

#include <nlohmann/json.hpp>
#include <sodium.h>

#include "common/error.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/utf8.h"
#include "sampler/codecs/thumbnail.h"
#include "trainer/report/html.h"

namespace lodestone::search {

namespace {

using Json = nlohmann::json;

constexpr const char* kThumbnail = "thumbnail";

std::string text_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string thumbnail_from(const std::string& text) {
  std::string bytes(std::min(text.size() / 4 * 3 + 3, sampler::kThumbnailBytes), '\0');
  size_t size = 0;
  if (::sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                          text.size(), nullptr, &size, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0)
    throw DataError("a row whose thumbnail is no base64 of at most " +
                    std::to_string(sampler::kThumbnailBytes) + " bytes");
  bytes.resize(size);
  return bytes;
}

EmbeddedRow row_of_line(std::string_view line) {
  const Json json = read_json(line).value_or(nullptr);
  EmbeddedRow row = row_from_json(json);
  if (const std::string text = text_at(json, kThumbnail); !text.empty()) row.thumbnail = thumbnail_from(text);
  return row;
}

}  // namespace

Json to_json(const EmbeddedRow& row) {
  Json json = {{"id", row.id}, {"label", row.label}};
  if (!row.text.empty()) json["text"] = row.text;
  return json;
}

EmbeddedRow row_from_json(const Json& json) {
  if (!json.is_object() || !json.contains("id") || !json["id"].is_string())
    throw DataError("a row without an id");
  return {.id = text_at(json, "id"),
          .label = text_at(json, "label"),
          .text = beginning(text_at(json, "text"), kRowTextBytes)};
}

std::string row_line(const EmbeddedRow& row) {
  Json json = to_json(row);
  if (!row.thumbnail.empty()) json[kThumbnail] = report::base64(row.thumbnail);
  return json_text(json) + "\n";
}

std::vector<EmbeddedRow> rows_of_lines(const std::string& lines) {
  std::vector<EmbeddedRow> rows;
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    const std::string_view line = std::string_view(lines).substr(begin, end - begin);
    if (!line.empty()) rows.push_back(row_of_line(line));
    begin = end + 1;
  }
  return rows;
}

}  // namespace lodestone::search
