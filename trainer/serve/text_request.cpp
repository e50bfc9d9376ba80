#include "trainer/serve/text_request.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/fields.h"
#include "common/json_reader.h"
#include "common/printable.h"
#include "common/utf8.h"
#include "trainer/http/media_type.h"

namespace lodestone::serve {

namespace {

using Json = nlohmann::json;

constexpr size_t kMembers = 16;  // fewer are known; one unknown member is named in the error

Json parsed(const std::string& body, const TextRequestLimits& limits) {
  try {
    const size_t items = std::max(limits.inputs, limits.tokens) + 1;
    return parse_json(
        body, "request",
        {.depth = 4, .array_items = items, .members = kMembers, .values = items + limits.inputs + kMembers});
  } catch (const CheckpointError& error) {
    throw DataError(error.what());
  }
}

void check_no_query(const http::HttpRequest& request) {
  if (!request.query.empty())
    throw DataError("request: expected all fields in the body, got some in the address");
}

std::string place(const std::string& key, size_t index) {
  return key + "[" + std::to_string(index) + "]";
}

void check_keys(const Json& body, const std::vector<std::string>& known) {
  for (const auto& member : body.items()) {
    const std::string shown = member.key().substr(0, 40), near = nearest_word(shown, known);
    if (std::ranges::find(known, member.key()) == known.end())
      throw DataError("request: unknown key '" + printable(shown) + "'" +
                      (near.empty() ? "; leave it out" : "; did you mean '" + near + "'?"));
  }
}

bool truth(const Json& body, const std::string& key, bool otherwise) {
  const auto found = body.find(key);
  if (found == body.end()) return otherwise;
  if (!found->is_boolean()) throw DataError(key + ": expected true or false, got " + found->type_name());
  return found->get<bool>();
}

// null stands for a key that is left out, as in OpenAI's clients.
std::string text(const Json& body, const std::string& key) {
  const auto found = body.find(key);
  if (found == body.end() || found->is_null()) return {};
  if (!found->is_string()) throw DataError(key + ": expected a text, got " + found->type_name());
  return found->get<std::string>();
}

/// Reads the inputs of a request, whatever form they have.
class InputReader {
 public:
  InputReader(std::string key, const TextRequestLimits& limits) : key_(std::move(key)), limits_(limits) {}

  /// Takes texts out of `value`, so that they are not kept twice.
  std::vector<TextInput> read(Json& value) {
    if (value.is_string()) {
      add_text(value, key_);
    } else if (!value.is_array() || value.empty()) {
      throw DataError(key_ + ": expected a text, a list of texts, or token ids, got " +
                      (value.is_array() ? "an empty list" : value.type_name()));
    } else if (value.front().is_number()) {
      add_ids(value, key_);
    } else {
      if (value.size() > limits_.inputs)
        throw DataError(key_ + ": expected at most " + std::to_string(limits_.inputs) + " inputs, got " +
                        std::to_string(value.size()) + "; send several requests");
      for (size_t i = 0; i < value.size(); ++i)
        value[i].is_array() ? add_ids(value[i], place(key_, i)) : add_text(value[i], place(key_, i));
    }
    return std::move(inputs_);
  }

 private:
  void add_text(Json& value, const std::string& where) {
    if (!value.is_string())
      throw DataError(where + ": expected a text or a list of token ids, got " + value.type_name());
    std::string text = std::move(value.get_ref<std::string&>());
    if (text.empty()) throw DataError(where + ": expected a text, got an empty one");
    if (text.size() > limits_.text_bytes)
      throw DataError(where + ": expected at most " + std::to_string(limits_.text_bytes) + " bytes, got " +
                      std::to_string(text.size()));
    if (!is_utf8(text)) throw DataError(where + ": expected UTF-8, got other bytes");
    inputs_.emplace_back(std::move(text));
  }

  void add_ids(const Json& value, const std::string& where) {
    if (value.empty()) throw DataError(where + ": expected token ids, got an empty list");
    if ((tokens_ += value.size()) > limits_.tokens)
      throw DataError(where + ": expected at most " + std::to_string(limits_.tokens) +
                      " token ids in a request; send several");
    std::vector<int64_t> ids;
    ids.reserve(value.size());
    for (const Json& id : value) {
      // Unsigned: what is read as negative is refused, and what does not fit is read as a fraction.
      if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX)
        throw DataError(where + ": expected token ids, got something else at " + std::to_string(ids.size()));
      ids.push_back(id.get<int64_t>());
    }
    inputs_.emplace_back(std::move(ids));
  }

  const std::string key_;
  const TextRequestLimits& limits_;
  std::vector<TextInput> inputs_;
  size_t tokens_ = 0;
};

int64_t dimensions_of(const Json& body) {
  const auto found = body.find("dimensions");
  if (found == body.end() || found->is_null()) return 0;
  if (!found->is_number_unsigned() || found->get<uint64_t>() < 1 || found->get<uint64_t>() > INT32_MAX)
    throw DataError("dimensions: expected a whole number from 1 to the width of the model's embeddings");
  return found->get<int64_t>();
}

}  // namespace

TextRequest parse_openai(const http::HttpRequest& from, const TextRequestLimits& limits) {
  check_no_query(from);
  Json json = parsed(from.body, limits);
  if (!json.is_object()) throw DataError(std::string("request: expected an object, got ") + json.type_name());
  check_keys(json, {"input", "model", "encoding_format", "dimensions", "user"});
  TextRequest request;
  request.model = text(json, "model");
  if (request.model.empty())
    throw DataError("model: expected the name of a model, got none; GET /v1/models lists them");
  const std::string format = text(json, "encoding_format");
  if (!format.empty() && format != "float" && format != "base64")
    throw DataError("encoding_format: expected float or base64, got '" + printable(format.substr(0, 40)) +
                    "'");
  request.base64 = format == "base64";
  request.dimensions = dimensions_of(json);
  text(json, "user");
  if (!json.contains("input"))
    throw DataError("input: expected a text, a list of texts, or token ids, got none");
  request.inputs = InputReader("input", limits).read(json["input"]);
  return request;
}

bool may_be_tei(const http::HttpRequest& request) {
  return http::is_media_type(request.type, "application/json") &&
         request.body.find("\"inputs\"") != std::string::npos;
}

std::optional<TextRequest> parse_tei(const http::HttpRequest& from, const TextRequestLimits& limits) {
  Json json = parsed(from.body, limits);
  if (!json.is_object() || !json.contains("inputs")) return std::nullopt;
  check_no_query(from);
  check_keys(json, {"inputs", "normalize", "truncate"});
  TextRequest request;
  request.normalize = truth(json, "normalize", true);
  request.truncate = truth(json, "truncate", false);
  request.inputs = InputReader("inputs", limits).read(json["inputs"]);
  return request;
}

}  // namespace lodestone::serve
