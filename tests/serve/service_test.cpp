// The service over real sockets, with a stand-in for the encoder.
#include "trainer/serve/service.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/serving.h"
#include "support/growth.h"
#include "support/half_open.h"
#include "support/http.h"

namespace lodestone::testing {
using namespace http;
using namespace serve;
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Json = nlohmann::json;

TEST(Service, EmbedsComparesAndSearches) {
  const Served served;
  const Json embedded =
      Json::parse(served.post("/embed", R"({"texts": ["x", "xx"], "images": [")" + image(100) + "\"]}").body);
  ASSERT_EQ(embedded["embeddings"].size(), 3U);
  EXPECT_NEAR(embedded["embeddings"][0][0], std::cos(1.0), 1e-6);
  EXPECT_NEAR(embedded["embeddings"][2][0], std::cos(2.0), 1e-6);
  EXPECT_EQ(embedded["step"], 7);

  const Json alike =
      Json::parse(served.post("/verify", R"({"texts": ["x"], "images": [")" + image(100) + "\"]}").body);
  EXPECT_NEAR(alike["score"], 1, 1e-6);
  EXPECT_EQ(alike["same"], true);
  EXPECT_EQ(alike["threshold"], 0.9);
  EXPECT_EQ(Json::parse(served.post("/verify", R"({"texts": ["x", "xx"]})").body)["same"], false);

  const Json found = Json::parse(served.post("/search", R"({"texts": ["xx", "x"], "k": 1})").body);
  EXPECT_EQ(found["answers"][0]["hits"][0]["label"], "two");
  EXPECT_EQ(found["answers"][1]["hits"][0]["label"], "<b>");
  EXPECT_EQ(found["answers"][1]["hits"].size(), 1U);
  EXPECT_EQ(found["answers"][1]["hits"][0]["same"], true);
}

TEST(Service, WithoutThresholdOrGalleryThereIsNoVerdictAndNoSearch) {
  ServedModel plain = model();
  plain.calibration.reset();
  plain.texts = false;
  const Served served({.model = plain, .gallery = {}});
  EXPECT_TRUE(
      Json::parse(
          served.post("/verify", R"({"images": [")" + image(1) + "\", \"" + image(2) + "\"]}").body)["same"]
          .is_null());
  EXPECT_EQ(served.post("/search", R"({"images": [")" + image(1) + "\"]}").status, 400);
  EXPECT_EQ(served.post("/embed", R"({"texts": ["x"]})").status, 400);
  EXPECT_TRUE(Json::parse(served.get("/healthz").body)["gallery"].is_null());
  for (const char* path : {"/enroll", "/identify"})
    EXPECT_EQ(served.post(path, R"({"images": [")" + image(1) + "\"]}").status, 400) << path;
  EXPECT_EQ(served.get("/gallery").status, 400);
  EXPECT_EQ(served.remove("/gallery?name=two").status, 400);
}

TEST(Service, RefusesWhatIsMalformed) {
  HttpOptions options;
  options.max_body = 1000;
  const Served served(options);
  const std::string json = "Content-Type: application/json\r\n";
  EXPECT_EQ(served.post("/embed", "{").status, 400);
  EXPECT_EQ(served.post("/embed", R"({"images": ["YQ=="]})").status, 400);  // base64 of no image
  EXPECT_EQ(served.post("/verify", R"({"texts": ["a"]})").status, 400);
  EXPECT_EQ(served.post("/nowhere", "{}").status, 404);
  EXPECT_EQ(served.get("/../../etc/passwd").status, 404);
  EXPECT_EQ(served.get("/embed").status, 405);
  EXPECT_EQ(served.post("/healthz", "{}").status, 405);
  EXPECT_EQ(served.post("/embed", std::string(1001, ' ')).status, 413);
  EXPECT_EQ(
      http(served.port(), http_text("POST", "/embed", "", json + "Content-Length: 9999999999999\r\n")).status,
      413);
  EXPECT_EQ(
      http(served.port(), http_text("POST", "/embed", "", json + "Transfer-Encoding: chunked\r\n")).status,
      411);
  EXPECT_EQ(http(served.port(), http_text("POST", "/embed", "{}", "Content-Type: text/plain\r\n")).status,
            415);
  EXPECT_GE(http(served.port(), http_text("GET", "/" + std::string(9000, 'a'))).status, 400);
  EXPECT_EQ(http(served.port(), "\x16\x03\x01 nonsense\r\n\r\n").status / 100 == 2, false);
  EXPECT_EQ(served.get("/healthz").status, 200);  // it is still there
}

// 8 × 8 pixels as JPEG, and a PNG of 74 bytes that claims 50,000 × 50,000; both in base64.
const std::string kJpeg =
    "/9j/4AAQSkZJRgABAQAAAQABAAD/"
    "2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/"
    "wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAABf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AMf/Z";
const std::string kBomb =
    "iVBORw0KGgoAAAANSUhEUgAAw1AAAMNQCAAAAABuxGIWAAAAEUlEQVR4nGNgGAWjYBQMdwAAA+gAAbOm00YAAAAASUVORK5CYII=";

// Two of them, so that each path that takes a body would answer if they were good.
std::string two(const char* kind, const std::string& input) {
  return std::string("{\"") + kind + "\": [\"" + input + "\", \"" + input + "\"]}";
}

TEST(Service, RefusesBadInputOnEveryPathThatTakesOne) {
  const Served served;
  std::string many = R"({"texts": ["a")";
  for (int i = 0; i < 64; ++i) many += R"(, "a")";
  const std::map<std::string, std::string> bad = {
      {"no JSON", "{\"texts\": [\"a\", \"b\"]"},
      {"no UTF-8", two("texts", "\xff")},
      {"another key", R"({"texts": ["a", "b"], "rows": 1})"},
      {"numbers", R"({"texts": [1, 2]})"},
      {"no base64", two("images", kJpeg + "*")},
      {"no image", two("images", "YQ==")},
      {"a JPEG cut short", two("images", kJpeg.substr(0, 160))},
      {"a decompression bomb", two("images", kBomb)},
      {"too many", many + "]}"},
      {"too long", two("texts", std::string((64 << 10) + 1, 'a'))},
      {"deep", "{\"texts\": " + std::string(100000, '[') + std::string(100000, ']') + "}"},
  };
  for (const char* path : {"/embed", "/verify", "/search", "/identify", "/enroll?name=a"}) {
    for (const auto& [what, body] : bad) {
      const HttpReply reply = served.post(path, body);
      EXPECT_EQ(reply.status, 400) << path << ": " << what;
      EXPECT_TRUE(Json::parse(reply.body)["error"].is_string()) << path << ": " << what;
    }
    for (const std::string& good : {two("images", kJpeg), two("texts", std::string(64 << 10, 'a'))})
      EXPECT_EQ(served.post(path, good).status, 200) << path;
  }
}

TEST(Service, BoundsAndGuardsEveryPath) {
  HttpOptions options;
  options.max_body = 1000;
  options.authorization = bearer_authorization("secret");
  const Served served(options);
  const std::string token = "Authorization: Bearer secret\r\n",
                    json = token + "Content-Type: application/json\r\n";
  const std::set<std::string> posts = {"/embed",  "/verify", "/search",       "/identify",
                                       "/enroll", "/reload", "/v1/embeddings"};
  for (const char* path :
       {"/", "/page.css", "/page.js", "/openapi.json", "/healthz", "/metrics", "/model", "/gallery", "/embed",
        "/verify", "/search", "/identify", "/enroll", "/reload", "/v1/embeddings", "/v1/models"}) {
    const std::string method = posts.contains(path) ? "POST" : "GET";
    EXPECT_EQ(
        http(served.port(), http_text(method, path, "", json + "X-Long: " + std::string(9000, 'x') + "\r\n"))
            .status,
        431)
        << path;
    EXPECT_EQ(http(served.port(), http_text(method, path, std::string(1001, ' '), json)).status, 413) << path;
    EXPECT_EQ(http(served.port(), http_text(method == "GET" ? "POST" : "GET", path, "", json)).status, 405)
        << path;
  }
  for (const std::string& path : posts)
    for (const char* wrong : {"", "Authorization: Bearer secre\r\n"})
      EXPECT_EQ(http(served.port(), http_text("POST", path, two("texts", "a"),
                                              wrong + std::string("Content-Type: application/json\r\n")))
                    .status,
                401)
          << path;
}

TEST(Service, TakesNoLongerThanItMust) {
  HttpOptions options;
  options.patience = 200ms;
  const Served served(options);
  const HttpReply reply =
      http(served.port(),
           http_text("POST", "/embed", "", "Content-Type: application/json\r\nContent-Length: 10\r\n"));
  EXPECT_EQ(reply.status, 408);
}

TEST(Service, AsksForTheToken) {
  HttpOptions options;
  options.authorization = bearer_authorization("secret");
  const Served served(options);
  for (const char* header : {"", "Authorization: Bearer secre\r\n", "Authorization: Bearer secrett\r\n",
                             "Authorization: Basic secret\r\n"})
    for (const char* path : {"/metrics", "/embed", "/model", "/gallery", "/nowhere"})
      EXPECT_EQ(served.get(path, header).status, 401) << header << path;
  EXPECT_EQ(served.get("/metrics", "Authorization: Bearer secret\r\n").status, 200);
  for (const char* path : {"/", "/page.js", "/page.css", "/healthz", "/openapi.json"})
    EXPECT_EQ(served.get(path).status, 200) << path;
}

TEST(Service, ShedsLoadAndStaysWell) {
  HttpOptions options;
  options.max_requests = 1;
  const Served served({.http = options, .waiting_rows = 2});
  const HttpReply many = served.post("/embed", R"({"texts": ["a", "b", "c"]})");
  EXPECT_EQ(many.status, 429);
  EXPECT_THAT(many.head, HasSubstr("Retry-After"));
  const std::string body = R"({"texts": ["a"]})";
  const HttpClient slow(served.port());
  slow.send(http_text("POST", "/embed", "",
                      "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: " +
                          std::to_string(body.size()) + "\r\n"));
  ASSERT_TRUE(slow.read_to("100 Continue\r\n\r\n"));
  EXPECT_EQ(served.post("/embed", body).status, 200);  // the place is for who has sent a body
  EXPECT_EQ(served.get("/healthz").status, 200);
  slow.send(body);
  EXPECT_EQ(slow.reply().status, 200);
}

TEST(Service, DescribesAndCountsItself) {
  const Served served;
  const Json openapi = Json::parse(served.get("/openapi.json").body);
  for (const char* path : {"/embed", "/search", "/verify", "/identify", "/enroll", "/gallery", "/reload",
                           "/model", "/healthz", "/metrics", "/v1/embeddings", "/v1/models"})
    EXPECT_TRUE(openapi["paths"].contains(path)) << path;
  served.post("/embed", R"({"texts": ["a"]})");
  served.post("/embed", "{");
  served.get("/made-up");
  const std::string metrics = served.get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr(R"(lodestone_serve_requests_total{path="/embed",status="200"} 1)"));
  EXPECT_THAT(metrics, HasSubstr(R"(lodestone_serve_requests_total{path="/embed",status="400"} 1)"));
  EXPECT_THAT(metrics, HasSubstr(R"(lodestone_serve_requests_total{path="other",status="404"} 1)"));
  EXPECT_THAT(metrics, HasSubstr("lodestone_serve_batch_rows_count 1"));
  EXPECT_THAT(metrics, HasSubstr("\nprocess_resident_memory_bytes "));
  EXPECT_THAT(metrics, HasSubstr("\nprocess_open_fds "));
  EXPECT_EQ(metrics.find("made-up"), std::string::npos);
  EXPECT_THAT(served.get("/").head, HasSubstr("Content-Security-Policy: default-src 'none'"));
}

// Whoever can connect needs no token to keep a connection.
TEST(Service, IsWatchedWhoeverIsSilent) {
  HttpOptions options;
  options.authorization = bearer_authorization("secret");
  const Served served(options);
  const std::string token = "Authorization: Bearer secret\r\n";
  for (const std::vector<std::string>& addresses :
       {std::vector<std::string>{"127.0.0.1"}, loopback_addresses(60, 5)}) {
    const HalfOpen silent(served.port(), 200, addresses);
    for (const char* path : {"/healthz", "/metrics"}) {
      const auto start = std::chrono::steady_clock::now();
      EXPECT_EQ(served.get(path, token).status, 200) << path;
      EXPECT_LT(std::chrono::steady_clock::now() - start, 1s) << path;
    }
  }
}

TEST(Service, AnswersInTimeToABodyOfManyKeys) {
  const Served served;
  std::string body = "{\"0\":{}";
  for (int i = 1; i < 1'000'000; ++i) body += ",\"" + std::to_string(i) + "\":{}";
  double seconds = cpu_seconds([&] { EXPECT_EQ(served.post("/embed", body + "}").status, 400); });
  EXPECT_LT(seconds, 1);  // 13 MB: it took hours
}

TEST(Service, NamesAnAddressThatIsNone) {
  HttpOptions options;
  options.address = "8080,127.0.0.1";
  EXPECT_THROW(Served served(options), ConfigError);
  options.address = "192.0.2.1";
  EXPECT_THROW(Served served(options), ConfigError);
}

}  // namespace
}  // namespace lodestone::testing
