#include "trainer/serve/request.h"

#include <algorithm>

#include <sodium.h>

#include "common/error.h"
#include "common/fields.h"
#include "common/json_reader.h"
#include "common/printable.h"

namespace lodestone::serve {

namespace {

const std::vector<std::string> kKeys = {"images", "texts", "k"};
constexpr size_t kMembers = 8;  // three are known; one unknown member is named in the error

std::string from_base64(const std::string& text, const std::string& where) {
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  size_t size = 0;
  const char* end = nullptr;
  if (::sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                          text.size(), "\r\n", &size, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size())
    throw DataError(where + ": expected the image's file in base64, got something else");
  bytes.resize(size);
  return bytes;
}

std::string text_of(std::string text, const std::string& where, const RequestLimits& limits) {
  if (text.size() <= limits.text_bytes) return text;
  throw DataError(where + ": expected at most " + std::to_string(limits.text_bytes) + " bytes, got " +
                  std::to_string(text.size()));
}

// Empties the list, so that its contents are not kept twice.
void read_inputs(nlohmann::json& list, bool images, const RequestLimits& limits, ServeRequest& request) {
  const std::string name = images ? "images" : "texts";
  if (!list.is_array()) throw DataError(name + ": expected a list of strings, got " + list.type_name());
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string where = name + "[" + std::to_string(i) + "]";
    if (!list[i].is_string()) throw DataError(where + ": expected a string, got " + list[i].type_name());
    if (request.inputs.size() == limits.rows)
      throw DataError(where + ": expected at most " + std::to_string(limits.rows) +
                      " images and texts in a request; send several");
    std::string text = std::move(list[i].get_ref<std::string&>());
    request.inputs.push_back(
        {images, images ? from_base64(text, where) : text_of(std::move(text), where, limits)});
  }
}

int64_t read_k(const nlohmann::json& value, const RequestLimits& limits) {
  // The parser returns numbers beyond int64_t as unsigned, which would wrap.
  if (value.is_number_unsigned() && value.get<uint64_t>() >= 1 &&
      value.get<uint64_t>() <= static_cast<uint64_t>(limits.answers))
    return value.get<int64_t>();
  throw DataError("k: expected a whole number from 1 to " + std::to_string(limits.answers));
}

// Only the beginning of a key is printed, since it may be as long as the body.
DataError unknown_key(const std::string& key) {
  const std::string shown = key.substr(0, 40), near = nearest_word(shown, kKeys);
  return DataError("request: expected the keys images, texts and k, got '" + printable(shown) + "'" +
                   (near.empty() ? "" : "; did you mean '" + near + "'?"));
}

nlohmann::json parsed(std::string_view body, const RequestLimits& limits) {
  try {
    return parse_json(
        body, "request",
        {.depth = 4, .array_items = limits.rows + 1, .members = kMembers, .values = 3 * (limits.rows + 2)});
  } catch (const CheckpointError& error) {
    throw DataError(error.what());
  }
}

}  // namespace

ServeRequest parse_request(std::string_view body, const RequestLimits& limits) {
  nlohmann::json json = parsed(body, limits);
  if (!json.is_object()) throw DataError(std::string("request: expected an object, got ") + json.type_name());
  for (const auto& [key, value] : json.items())
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) throw unknown_key(key);
  ServeRequest request;
  if (json.contains("images")) read_inputs(json["images"], true, limits, request);
  if (json.contains("texts")) read_inputs(json["texts"], false, limits, request);
  if (json.contains("k")) request.k = read_k(json["k"], limits);
  if (request.inputs.empty()) throw DataError("request: expected images or texts, got neither");
  return request;
}

}  // namespace lodestone::serve
