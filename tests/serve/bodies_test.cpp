// Bodies and answers of other types than JSON.
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/serving.h"
#include "trainer/serve/embedding_answer.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

const std::string kOctets = "Content-Type: application/octet-stream\r\n";
const std::string kOctetsBack = "Accept: application/octet-stream\r\n";

HttpReply sent(const Served& served, const std::string& path, const std::string& body,
               const std::string& more) {
  return http(served.port(), http_text("POST", path, body, more));
}

std::vector<float> floats(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

TEST(Bodies, GiveTheSameEmbeddingsInEveryType) {
  const Served served;
  const std::string json =
      R"({"images": [")" + image(100) + "\", \"" + image(200) + R"("], "texts": ["xxx"]})";
  const std::string fields =
      form({{"text", "xxx"}, {"image", png(100), "a.png"}, {"image", png(200), "b.png"}});
  const Json expected = Json::parse(served.post("/embed", json).body)["embeddings"];
  ASSERT_EQ(expected.size(), 3U);
  EXPECT_EQ(Json::parse(sent(served, "/embed", fields, kFormType).body)["embeddings"], expected);
  const HttpReply back = sent(served, "/embed", fields, kFormType + kOctetsBack);
  EXPECT_THAT(back.head, HasSubstr("Embedding-Shape: 3, 2"));
  EXPECT_THAT(back.head, HasSubstr("Model-Step: 7"));
  EXPECT_THAT(back.head, HasSubstr("Content-Type: application/octet-stream"));
  const std::vector<float> values = floats(back.body);
  ASSERT_EQ(values.size(), 6U);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(expected[i / 2][i % 2].get<float>(), values[i]);
  const Json coded = Json::parse(sent(served, "/embed?encoding=base64", fields, kFormType).body);
  EXPECT_EQ(coded["embeddings"][2], base64(back.body.substr(16)));
  EXPECT_EQ(coded["step"], 7);
  EXPECT_EQ(floats(sent(served, "/embed", png(100), kOctets + kOctetsBack).body),
            (std::vector<float>{values[0], values[1]}));
  EXPECT_EQ(
      Json::parse(served.post("/embed", R"({"texts": ["xxx"], "encoding": "base64"})").body)["embeddings"][0],
      coded["embeddings"][2]);
}

TEST(Bodies, TakeTheOtherKeysFromFormOrQuery) {
  const Served served;
  for (const HttpReply& reply : {sent(served, "/search?k=1", png(100), kOctets),
                                 sent(served, "/search", form({{"image", png(100)}, {"k", "1"}}), kFormType),
                                 sent(served, "/search?k=1", form({{"image", png(100)}}), kFormType)})
    EXPECT_EQ(Json::parse(reply.body)["answers"][0]["hits"].size(), 1U) << reply.body;
  EXPECT_EQ(
      Json::parse(sent(served, "/verify", form({{"text", "x"}, {"text", "x"}}), kFormType).body)["same"],
      true);
}

TEST(Bodies, AreRefusedWhereTheyAreMalformed) {
  const Served served;
  const auto refused = [&](const std::string& path, const std::string& body, const std::string& type) {
    const HttpReply reply = sent(served, path, body, type);
    EXPECT_EQ(reply.status, 400) << path << body;
    return reply.body;
  };
  EXPECT_THAT(refused("/embed", "no image", kOctets), HasSubstr("images[0]"));
  EXPECT_THAT(refused("/embed", form({{"image", "no image"}}), kFormType), HasSubstr("images[0]"));
  EXPECT_THAT(refused("/embed", form({{"text", "\xff"}}), kFormType), HasSubstr("UTF-8"));
  EXPECT_THAT(refused("/embed", form({{"name", "a"}, {"text", "x"}}), kFormType), HasSubstr("got 'name'"));
  EXPECT_THAT(refused("/embed?k=0", png(1), kOctets), HasSubstr("k: expected"));
  EXPECT_THAT(refused("/embed?k=%3", png(1), kOctets), HasSubstr("hexadecimal"));
  EXPECT_THAT(refused("/embed?k=1", form({{"image", png(1)}, {"k", "1"}}), kFormType), HasSubstr("once"));
  EXPECT_THAT(refused("/embed?encoding=hex", png(1), kOctets), HasSubstr("list"));
  EXPECT_THAT(refused("/embed", "x", "Content-Type: multipart/form-data\r\n"), HasSubstr("boundary"));
  EXPECT_THAT(refused("/embed", form({}), kFormType), HasSubstr("neither"));
  EXPECT_THAT(refused("/search", R"({"texts": ["a"], "thumbnails": 1})", kJsonType),
              HasSubstr("true or false"));
  EXPECT_THAT(refused("/search", R"({"texts": ["a", "b"], "thumbnails": true, "k": 501})", kJsonType),
              HasSubstr("at most 1000 answers"));
  EXPECT_THAT(refused("/enroll", R"({"texts": ["a"], "name": 3})", kJsonType), HasSubstr("name: expected"));
  std::vector<FormField> many(65, {"text", "a"});
  EXPECT_THAT(refused("/embed", form(many), kFormType), HasSubstr("at most 64"));
  many.assign(100, {"k", "1"});
  refused("/embed", form(many), kFormType);
  for (const char* type : {"text/plain", "multipart/mixed; boundary=x", "application/x-www-form-urlencoded"})
    EXPECT_EQ(sent(served, "/embed", "a", "Content-Type: " + std::string(type) + "\r\n").status, 415);
}

// A form of another site's page needs no permission to be sent, unlike JSON.
TEST(Bodies, OfOtherSitesPagesAreRefused) {
  const Served served;
  const std::string fields = form({{"text", "a"}, {"name", "Eve"}});
  for (const char* from : {"Origin: http://elsewhere.example\r\n", "Origin: null\r\n",
                           "Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n"}) {
    EXPECT_EQ(sent(served, "/enroll", fields, kFormType + from).status, 403) << from;
    EXPECT_EQ(sent(served, "/embed", png(1), kOctets + from).status, 403) << from;
    EXPECT_EQ(http(served.port(), http_text("POST", "/reload", "", from)).status, 403) << from;
    EXPECT_EQ(served.remove("/gallery?name=two", from).status, 403) << from;
  }
  for (const char* from : {"Origin: http://localhost\r\n", "Sec-Fetch-Site: same-origin\r\n", ""})
    EXPECT_EQ(sent(served, "/enroll", fields, kFormType + from).status, 200) << from;
}

TEST(RowEncoding, IsThatWhichTheClientPrefers) {
  for (const char* bytes :
       {"application/octet-stream", "text/html, Application/Octet-Stream;q=0.9, application/json"})
    EXPECT_EQ(row_encoding(bytes, true), RowEncoding::kBytes) << bytes;
  for (const char* json : {"", "*/*", "application/json, application/octet-stream", ",,,"}) {
    EXPECT_EQ(row_encoding(json, false), RowEncoding::kList) << json;
    EXPECT_EQ(row_encoding(json, true), RowEncoding::kBase64) << json;
  }
}

TEST(EmbeddingAnswer, HasEveryFloatExactly) {
  const at::Tensor z = at::tensor({0.1F, -1e-30F, 16777217.0F, 1.0F / 3, INFINITY, NAN}).view({2, 3});
  const Json rows = Json::parse(embedding_answer(z, 1, RowEncoding::kList).body)["embeddings"];
  for (int64_t i = 0; i < 4; ++i)
    EXPECT_EQ(rows[static_cast<size_t>(i / 3)][static_cast<size_t>(i % 3)].get<float>(),
              z.view({6})[i].item<float>());
  EXPECT_TRUE(rows[1][1].is_null());
  EXPECT_TRUE(rows[1][2].is_null());
}

}  // namespace
}  // namespace lodestone::testing
