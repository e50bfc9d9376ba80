#include "trainer/serve/text_paths.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/norm.h>

#include "common/error.h"
#include "trainer/serve/answer.h"
#include "trainer/serve/embedding_answer.h"

namespace lodestone::serve {

namespace {

using Json = nlohmann::json;

// The key of a request that an error is about, by the beginning of its text.
Json parameter_of(const std::string& what) {
  const std::string word = what.substr(0, what.find_first_of(":["));
  for (const char* key : {"input", "model", "encoding_format", "dimensions", "user"})
    if (word == key) return key;
  return {};
}

const char* type_of(int status) {
  if (status == 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

Json code_of(int status, const Json& parameter) {
  if (status == 401) return "invalid_api_key";
  return status == 404 && parameter == "model" ? Json("model_not_found") : Json();
}

void check_texts(const ServedModel& model) {
  if (!model.tokens.tokenizer)
    throw DataError(
        "request: expected a service of a model of texts, got one of images; send images to /embed, as "
        "/openapi.json describes");
}

std::vector<int64_t> checked_ids(std::vector<int64_t> ids, const sampler::TokenRule& rule,
                                 const std::string& where) {
  const int64_t vocabulary = rule.tokenizer->vocabulary();
  const auto unknown = std::ranges::find_if(ids, [&](int64_t id) { return id >= vocabulary; });
  if (unknown != ids.end())
    throw DataError(where + ": expected ids of the model's tokenizer, 0 to " +
                    std::to_string(vocabulary - 1) + ", got " + std::to_string(*unknown) +
                    "; send the text instead");
  return ids;
}

// One more id than the encoder takes shows that a text is too long.
std::vector<int64_t> ids_of(TextInput& input, const sampler::TokenRule& rule, bool truncate,
                            const std::string& where) {
  const auto most = static_cast<size_t>(rule.max_tokens);
  const auto* text = std::get_if<std::string>(&input);
  std::vector<int64_t> ids = text
                                 ? rule.tokenizer->encode(*text, rule.max_tokens + 1)
                                 : checked_ids(std::move(std::get<std::vector<int64_t>>(input)), rule, where);
  if (ids.size() <= most) return ids;
  if (!truncate)
    throw DataError(where + ": expected at most " + std::to_string(most) +
                    " tokens, got more; shorten the text, or send it to /embed, which cuts it");
  if (text) return rule.tokenizer->encode(*text, rule.max_tokens);
  ids.erase(ids.end() - 1 - static_cast<std::ptrdiff_t>(ids.size() - most), ids.end() - 1);
  return ids;  // with the end token
}

at::Tensor unit_rows(const at::Tensor& z_nD) {
  return z_nD / z_nD.norm(2, 1, true).clamp_min(1e-12);
}

// The first numbers of each row; of unit length if the whole rows are.
at::Tensor first_of(const at::Tensor& z_nD, int64_t dimensions, const ServedModel& model) {
  if (dimensions == 0 || dimensions == model.width) return z_nD;
  const at::Tensor cut_nd = z_nD.narrow(1, 0, dimensions);
  return (model.unit_rows ? unit_rows(cut_nd) : cut_nd).contiguous();
}

}  // namespace

http::HttpAnswer openai_error(int status, const std::string& what) {
  const Json parameter = parameter_of(what);
  http::HttpAnswer answer = json_answer({{"error",
                                          {{"message", what},
                                           {"type", type_of(status)},
                                           {"param", parameter},
                                           {"code", code_of(status, parameter)}}}});
  answer.status = status;
  return answer;
}

TextPaths::Embedded TextPaths::rows_of(const ServedState& state, TextRequest& request,
                                       const char* key) const {
  check_texts(*state.model);
  std::vector<Sample> samples;
  samples.reserve(request.inputs.size());
  int64_t tokens = 0;
  for (TextInput& input : request.inputs) {
    const std::string where = key + ("[" + std::to_string(samples.size()) + "]");
    std::vector<int64_t> ids = ids_of(input, state.model->tokens, request.truncate, where);
    tokens += static_cast<int64_t>(ids.size());
    samples.emplace_back(std::move(ids));
  }
  return {embedder_.embed(state, std::move(samples)), tokens};
}

http::HttpAnswer TextPaths::embeddings(const http::HttpRequest& request) const {
  TextRequest asked = parse_openai(request);
  const auto state = live_.now();
  const ServedModel& model = *state->model;
  if (asked.model != model.run)
    throw NotFoundError("model: expected '" + model.run + "', which this service has, got another name");
  if (asked.dimensions > model.width)
    throw DataError("dimensions: expected a whole number from 1 to " + std::to_string(model.width));
  const Embedded made = rows_of(*state, asked, "input");
  const at::Tensor z_nd = first_of(made.z_nD, asked.dimensions, model);
  std::string body = R"({"object":"list","data":[)";
  for (int64_t i = 0; i < z_nd.size(0); ++i) {
    body +=
        (i > 0 ? ",{" : "{") + (R"("object":"embedding","index":)" + std::to_string(i)) + ",\"embedding\":";
    append_row(body, z_nd, i, asked.base64);
    body += '}';
  }
  const std::string tokens = std::to_string(made.tokens);
  body += "],\"model\":" + json_text(Json(model.run)) + ",\"usage\":{\"prompt_tokens\":" + tokens +
          ",\"total_tokens\":" + tokens + "}}\n";
  return {200, "application/json", std::move(body)};
}

http::HttpAnswer TextPaths::models() const {
  const auto state = live_.now();
  const Json model = {{"id", state->model->run},
                      {"object", "model"},
                      {"created", state->model->loaded},
                      {"owned_by", "lodestone"}};
  return json_answer({{"object", "list"}, {"data", Json::array({model})}});
}

http::HttpAnswer TextPaths::embed(TextRequest request) const {
  const auto state = live_.now();
  at::Tensor z_nD = rows_of(*state, request, "inputs").z_nD;
  if (request.normalize && !state->model->unit_rows) z_nD = unit_rows(z_nD).contiguous();
  std::string body = "[";
  for (int64_t i = 0; i < z_nD.size(0); ++i) {
    if (i > 0) body += ',';
    append_row(body, z_nD, i, /*base64=*/false);
  }
  return {200, "application/json", body + "]\n"};
}

}  // namespace lodestone::serve
