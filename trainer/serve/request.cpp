#include "trainer/serve/request.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <sodium.h>

#include "common/error.h"
#include "common/fields.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/printable.h"
#include "common/utf8.h"
#include "trainer/http/media_type.h"
#include "trainer/serve/multipart.h"

namespace lodestone::serve {

namespace {

constexpr int64_t kThumbnails = 1000;
constexpr size_t kMembers = 8;  // fewer are known; one unknown member is named in the error
constexpr Choice<RequestKey> kKeys[] = {{"encoding", RequestKey::kEncoding},
                                        {"name", RequestKey::kName},
                                        {"thumbnails", RequestKey::kThumbnails}};

std::string name_of(RequestKey key) {
  return choice_name(key, kKeys);
}

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

// Only the beginning of a key is printed, since it may be as long as the body.
DataError unknown_key(const std::string& key, const std::set<RequestKey>& keys) {
  std::vector<std::string> known = {"images", "texts", "k"};
  for (const auto& choice : kKeys)
    if (keys.contains(choice.value)) known.emplace_back(choice.name);
  const std::string shown = key.substr(0, 40), near = nearest_word(shown, known);
  std::string list;
  for (size_t i = 0; i < known.size(); ++i)
    list += (i == 0 ? "" : i + 1 == known.size() ? " and " : ", ") + known[i];
  return DataError("request: expected the keys " + list + ", got '" + printable(shown) + "'" +
                   (near.empty() ? "" : "; did you mean '" + near + "'?"));
}

bool one_of(const std::string& key, const std::string& value, const char* yes, const char* no) {
  if (value != yes && value != no) throw DataError(key + ": expected " + yes + " or " + no);
  return value == yes;
}

std::string utf8(std::string text, const std::string& where) {
  if (!is_utf8(text)) throw DataError(where + ": expected UTF-8, got other bytes");
  return text;
}

/// Collects the fields of a request, whatever they come in.
class RequestBuilder {
 public:
  RequestBuilder(const std::set<RequestKey>& keys, const RequestLimits& limits)
      : keys_(keys), limits_(limits) {}

  /// A field with one value, as JSON writes it, but a text without quotation marks.
  void set(const std::string& key, const std::string& value) {
    const auto takes = [&](RequestKey which) { return key == name_of(which) && keys_.contains(which); };
    if (key == "k")
      request_.k = whole_number("k", value, limits_.answers);
    else if (takes(RequestKey::kEncoding))
      request_.base64 = one_of(key, value, "base64", "list");
    else if (takes(RequestKey::kThumbnails))
      request_.thumbnails = one_of(key, value, "true", "false");
    else if (takes(RequestKey::kName))
      request_.name = utf8(value, key);
    else
      throw unknown_key(key, keys_);
    if (!given_.insert(key).second) throw DataError(key + ": expected it once, got it twice");
  }
  void add_image(std::string bytes) { add(true, std::move(bytes), images_++); }
  void add_text(std::string text) { add(false, utf8(std::move(text), "texts"), texts_++); }
  /// Call before an input is decoded.
  void check_room(const std::string& where) const {
    if (request_.inputs.size() == limits_.rows)
      throw DataError(where + ": expected at most " + std::to_string(limits_.rows) +
                      " images and texts in a request; send several");
  }

  ServeRequest finish() {
    if (request_.inputs.empty()) throw DataError("request: expected images or texts, got neither");
    if (images_ > 0 && texts_ > 0) std::ranges::stable_partition(request_.inputs, &RequestInput::image);
    return std::move(request_);
  }

 private:
  void add(bool image, std::string bytes, size_t index) {
    const std::string where = (image ? "images[" : "texts[") + std::to_string(index) + "]";
    check_room(where);
    if (!image && is_blank(bytes)) throw DataError(where + ": expected a text, got an empty one");
    if (!image && bytes.size() > limits_.text_bytes)
      throw DataError(where + ": expected at most " + std::to_string(limits_.text_bytes) + " bytes, got " +
                      std::to_string(bytes.size()));
    request_.inputs.push_back({image, std::move(bytes)});
  }

  const std::set<RequestKey>& keys_;
  const RequestLimits& limits_;
  std::set<std::string> given_;
  ServeRequest request_;
  size_t images_ = 0, texts_ = 0;
};

// Empties the list, so that its contents are not kept twice.
void read_inputs(nlohmann::json& list, bool images, RequestBuilder& builder) {
  const std::string name = images ? "images" : "texts";
  if (!list.is_array()) throw DataError(name + ": expected a list of strings, got " + list.type_name());
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string where = name + "[" + std::to_string(i) + "]";
    if (!list[i].is_string()) throw DataError(where + ": expected a string, got " + list[i].type_name());
    builder.check_room(where);
    std::string text = std::move(list[i].get_ref<std::string&>());
    images ? builder.add_image(from_base64(text, where)) : builder.add_text(std::move(text));
  }
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

void read_json_body(std::string_view body, const RequestLimits& limits, RequestBuilder& builder) {
  nlohmann::json json = parsed(body, limits);
  if (!json.is_object()) throw DataError(std::string("request: expected an object, got ") + json.type_name());
  for (const auto& [key, value] : json.items()) {
    if (key == "images" || key == "texts") continue;
    // k as a number and thumbnails as a truth value; "3" and "true" are not.
    const bool text = key == "name" || key == "encoding";
    if (value.is_string() && text)
      builder.set(key, value.get_ref<const std::string&>());
    else if (value.is_primitive() && !value.is_string() && !text)
      builder.set(key, json_text(value));
    else
      builder.set(key, "");  // refuses the key or the value
  }
  if (json.contains("images")) read_inputs(json["images"], true, builder);
  if (json.contains("texts")) read_inputs(json["texts"], false, builder);
}

void read_form(std::string_view body, std::string_view type, const RequestLimits& limits,
               RequestBuilder& builder) {
  for (const FormPart& part : parse_multipart(body, multipart_boundary(type), limits.rows + kMembers)) {
    if (part.name == "image" || part.name == "images")
      builder.add_image(std::string(part.bytes));
    else if (part.name == "text" || part.name == "texts")
      builder.add_text(std::string(part.bytes));
    else
      builder.set(part.name, std::string(part.bytes.substr(0, limits.text_bytes)));
  }
}

}  // namespace

int64_t whole_number(const std::string& key, const std::string& text, int64_t most) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && at == end && value >= 1 && value <= most) return value;
  throw DataError(key + ": expected a whole number from 1 to " + std::to_string(most));
}

void check_thumbnails(const ServeRequest& request) {
  if (request.thumbnails && static_cast<int64_t>(request.inputs.size()) * request.k > kThumbnails)
    throw DataError("k: expected at most " + std::to_string(kThumbnails) +
                    " answers in all with thumbnails; lower k, or send several requests");
}

ServeRequest parse_request(const http::HttpRequest& request, const std::set<RequestKey>& keys,
                           const RequestLimits& limits) {
  RequestBuilder builder(keys, limits);
  for (const auto& [key, value] : request.query) builder.set(key, value);
  if (http::is_media_type(request.type, "multipart/form-data"))
    read_form(request.body, request.type, limits, builder);
  else if (http::is_media_type(request.type, "application/octet-stream")) {
    if (!request.body.empty()) builder.add_image(request.body);
  } else
    read_json_body(request.body, limits, builder);
  return builder.finish();
}

}  // namespace lodestone::serve
