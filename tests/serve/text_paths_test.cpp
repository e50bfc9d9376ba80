// The paths for clients of other servers of text embeddings, with a stand-in for the encoder.
#include <cmath>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/serving.h"
#include "trainer/serve/text_request.h"

namespace lodestone::testing {
using namespace http;
using namespace serve;
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

// What is asked of /v1/embeddings for the stand-in, with its name.
HttpReply ask(const Served& served, const std::string& rest) {
  return served.post("/v1/embeddings", R"({"model": "metro", )" + rest + "}");
}

Json error_of(const HttpReply& reply) {
  return Json::parse(reply.body).at("error");
}

TEST(OpenAi, EmbedsTextsAndTokenIds) {
  const Served served;
  const HttpReply reply = ask(served, R"("input": ["x", "xx"], "user": "somebody")");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const Json many = Json::parse(reply.body);
  EXPECT_EQ(many["object"], "list");
  EXPECT_EQ(many["model"], "metro");
  EXPECT_EQ(many["usage"], Json({{"prompt_tokens", 3}, {"total_tokens", 3}}));
  ASSERT_EQ(many["data"].size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(many["data"][i]["object"], "embedding");
    EXPECT_EQ(many["data"][i]["index"], i);
  }
  const Json own = Json::parse(served.post("/embed", R"({"texts": ["x", "xx"]})").body);
  EXPECT_EQ(many["data"][0]["embedding"], own["embeddings"][0]);
  EXPECT_EQ(many["data"][1]["embedding"], own["embeddings"][1]);
  for (const char* same : {R"("input": "xx")", R"("input": [120, 120])", R"("input": [[120, 120]])",
                           R"("input": "xx", "encoding_format": "float", "dimensions": 2, "user": null)"})
    EXPECT_EQ(Json::parse(ask(served, same).body)["data"][0]["embedding"], own["embeddings"][1]) << same;
}

TEST(OpenAi, WritesBase64AndCutsRows) {
  const Served served;
  const Json coded = Json::parse(ask(served, R"("input": "x", "encoding_format": "base64")").body);
  const Json own = Json::parse(served.post("/embed", R"({"texts": ["x"], "encoding": "base64"})").body);
  EXPECT_EQ(coded["data"][0]["embedding"], own["embeddings"][0]);
  EXPECT_EQ(Json::parse(ask(served, R"("input": "x", "dimensions": 1)").body)["data"][0]["embedding"],
            Json({1.0}));
  ServedModel plain = model();
  plain.unit_rows = false;
  const Served other({.model = plain});
  EXPECT_NEAR(Json::parse(ask(other, R"("input": "x", "dimensions": 1)").body)["data"][0]["embedding"][0],
              std::cos(1.0), 1e-6);
}

TEST(OpenAi, EmbedsAsManyAsItsClientsSend) {
  const Served served;
  std::string inputs = "\"x\"";
  for (int i = 1; i < 2048; ++i) inputs += i % 2 == 0 ? ",\"x\"" : ",\"xx\"";
  const Json many = Json::parse(ask(served, "\"input\": [" + inputs + "]").body);
  ASSERT_EQ(many["data"].size(), 2048U);
  EXPECT_EQ(many["data"][2046]["embedding"], many["data"][0]["embedding"]);
  EXPECT_EQ(many["data"][2047]["embedding"], many["data"][1]["embedding"]);
  EXPECT_EQ(many["usage"]["prompt_tokens"], 3072);
  const HttpReply more = ask(served, "\"input\": [" + inputs + ",\"x\"]");
  EXPECT_EQ(more.status, 400);
  EXPECT_THAT(more.body, HasSubstr("input: expected at most 2048 inputs, got 2049"));
}

TEST(OpenAi, RefusesWhatIsInvalidInItsOwnForm) {
  const Served served;
  const std::map<std::string, std::string> bad = {
      {R"("user": "a")", "input"},
      {R"("input": "")", "input"},
      {R"("input": [])", "input"},
      {R"("input": [[]])", "input"},
      {R"("input": null)", "input"},
      {R"("input": {"text": "x"})", "input"},
      {R"("input": [1.5])", "input"},
      {R"("input": [-1])", "input"},
      {R"("input": [128])", "input"},
      {R"("input": [99999999999])", "input"},
      {R"("input": [1e400])", ""},
      {R"("input": [1, "x"])", "input"},
      {R"("input": ["x", 1])", "input"},
      {R"("input": [[[1]]])", "input"},
      {"\"input\": \"\xff\"", ""},
      {"\"input\": \"" + std::string(101, 'a') + "\"", "input"},
      {"\"input\": \"" + std::string(70000, 'a') + "\"", "input"},
      {R"("input": "x", "dimensions": 0)", "dimensions"},
      {R"("input": "x", "dimensions": 3)", "dimensions"},
      {R"("input": "x", "dimensions": 1.5)", "dimensions"},
      {R"("input": "x", "encoding_format": "hex")", "encoding_format"},
      {R"("input": "x", "user": 1)", "user"},
      {R"("input": "x", "inputs": "x")", ""},
      {R"("input": "x", "input": "x")", ""},
      {"\"input\": " + std::string(100000, '[') + std::string(100000, ']'), ""},
  };
  for (const auto& [rest, parameter] : bad) {
    const HttpReply reply = ask(served, rest);
    EXPECT_EQ(reply.status, 400) << rest.substr(0, 80);
    const Json error = error_of(reply);
    EXPECT_TRUE(error["message"].is_string());
    EXPECT_EQ(error["type"], "invalid_request_error");
    EXPECT_EQ(error["param"], parameter.empty() ? Json() : Json(parameter)) << rest.substr(0, 80);
    EXPECT_TRUE(error["code"].is_null());
  }
  EXPECT_EQ(error_of(served.post("/v1/embeddings", R"({"input": "x"})"))["param"], "model");
  EXPECT_EQ(served.post("/v1/embeddings?dimensions=1", R"({"model": "metro", "input": "x"})").status, 400);
}

TEST(OpenAi, WritesEveryRefusalInItsForm) {
  HttpOptions options;
  options.max_body = 1000;
  options.authorization = bearer_authorization("secret");
  const Served served(options);
  const std::string token = "Authorization: Bearer secret\r\n";
  const auto send = [&](const std::string& method, const std::string& headers, const std::string& body) {
    return http(served.port(), http_text(method, "/v1/embeddings", body, headers));
  };
  const HttpReply stranger = send("POST", kJsonType, "{}");
  EXPECT_EQ(stranger.status, 401);
  EXPECT_EQ(error_of(stranger)["code"], "invalid_api_key");
  const HttpReply other =
      send("POST", token + kJsonType, R"({"model": "text-embedding-3-small", "input": "x"})");
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(error_of(other)["code"], "model_not_found");
  EXPECT_THAT(other.body, HasSubstr("'metro'"));
  const HttpReply get = send("GET", token, "");
  EXPECT_EQ(get.status, 405);
  EXPECT_THAT(get.head, HasSubstr("Allow: POST"));
  EXPECT_TRUE(error_of(get)["message"].is_string());
  EXPECT_TRUE(error_of(send("POST", token + kFormType, form({{"text", "x"}})))["message"].is_string());
  EXPECT_TRUE(error_of(send("POST", token + kJsonType, std::string(1001, ' ')))["message"].is_string());
  EXPECT_EQ(error_of(http(served.port(), http_text("GET", "/v1/models")))["code"], "invalid_api_key");
  EXPECT_EQ(Json::parse(http(served.port(), http_text("GET", "/v1/models", "", token)).body),
            Json({{"object", "list"},
                  {"data",
                   {{{"id", "metro"},
                     {"object", "model"},
                     {"created", 1'700'000'000},
                     {"owned_by", "lodestone"}}}}}));
}

TEST(OpenAi, SaysThatAModelOfImagesHasNoTexts) {
  ServedModel images = model();
  images.texts = false;
  images.tokens = {};
  const Served served({.model = images});
  const HttpReply reply = ask(served, R"("input": "x")");
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("model of texts"));
  EXPECT_THAT(served.post("/embed", R"({"inputs": "x"})").body, HasSubstr("model of texts"));
}

TEST(Tei, IsToldFromTheOwnFormByItsKey) {
  const Served served;
  const Json own = Json::parse(served.post("/embed", R"({"texts": ["x", "xx"]})").body);
  EXPECT_EQ(Json::parse(served.post("/embed", R"({"inputs": ["x", "xx"]})").body), own["embeddings"]);
  EXPECT_EQ(Json::parse(served.post("/embed", R"({"inputs": "xx", "normalize": false})").body)[0],
            own["embeddings"][1]);
  // The word alone is no key.
  EXPECT_EQ(served.post("/embed", R"({"texts": ["inputs"]})").status, 200);
  EXPECT_EQ(served.post("/search", R"({"inputs": "x"})").status, 400);
  for (const char* bad :
       {R"({"inputs": "x", "texts": ["x"]})", R"({"inputs": "x", "normalize": 1})",
        R"({"inputs": "x", "prompt_name": "query"})", R"({"inputs": []})", R"({"inputs": "x")"}) {
    const HttpReply reply = served.post("/embed", bad);
    EXPECT_EQ(reply.status, 400) << bad;
    EXPECT_TRUE(Json::parse(reply.body)["error"].is_string()) << bad;
  }
  EXPECT_EQ(served.post("/embed?encoding=base64", R"({"inputs": "x"})").status, 400);
}

TEST(Tei, CutsLongTextsWhenAsked) {
  const Served served;
  const std::string text(101, 'a');
  EXPECT_EQ(served.post("/embed", "{\"inputs\": \"" + text + "\"}").status, 400);
  const Json cut =
      Json::parse(served.post("/embed", "{\"inputs\": \"" + text + "\", \"truncate\": true}").body);
  EXPECT_NEAR(cut[0][0], std::cos(100.0), 1e-5);
  std::string ids = "1";
  for (int i = 1; i < 120; ++i) ids += ",1";
  EXPECT_EQ(Json::parse(served.post("/embed", "{\"inputs\": [[" + ids + "]], \"truncate\": true}").body),
            cut);
}

TEST(Tei, NormalizesRowsThatAreNot) {
  ServedModel plain = model();
  plain.unit_rows = false;
  plain.embed = std::make_shared<const Batcher::Forward>(
      [](const std::vector<const Sample*>& samples) { return stand_in(samples) * 3; });
  const Served served({.model = plain});
  EXPECT_NEAR(Json::parse(served.post("/embed", R"({"inputs": "x"})").body)[0][0], std::cos(1.0), 1e-6);
  EXPECT_NEAR(Json::parse(served.post("/embed", R"({"inputs": "x", "normalize": false})").body)[0][0],
              3 * std::cos(1.0), 1e-6);
}

}  // namespace
}  // namespace lodestone::testing
