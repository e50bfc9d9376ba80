// The service as users run it.
#include <atomic>
#include <regex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/http.h"
#include "support/program.h"
#include "trainer/report/html.h"

namespace lodestone::testing {
using namespace report;
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class Serve : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    work_ = new Workspace;
    work_->write_config("evaluate: {data: {path: pictures}, floor: false}\n");
    for (const auto& command :
         {lodestone({"train", work_->config()}), lodestone({"evaluate", work_->run(), "--calibrate", "0.05"}),
          lodestone(
              {"embed", work_->run(), "--input", path("pictures"), "--output", path("gallery.safetensors")}),
          lodestone({"embed", work_->run(), "--input", path("pictures"), "--output", path("rows.jsonl")})}) {
      const Finished finished = run(command);
      ASSERT_EQ(finished.code, 0) << finished.err;
    }
  }
  static void TearDownTestSuite() { delete work_; }
  static std::string path(const std::string& name) { return work_->path(name); }
  static std::vector<std::string> serve(std::vector<std::string> more) {
    more.insert(more.begin(), {"serve", work_->run(), "--port", "0"});
    return lodestone(more);
  }
  static std::string body_of(const std::string& image) {
    return R"({"images": [")" + base64(contents(path("pictures/" + image))) + "\"]}";
  }
  static std::vector<Json> rows() {
    std::istringstream lines(contents(path("rows.jsonl")));
    std::vector<Json> all;
    for (std::string line; std::getline(lines, line);) all.push_back(Json::parse(line));
    return all;
  }

  static Workspace* work_;
};
Workspace* Serve::work_ = nullptr;

// The service under way, until the object dies.
class Service {
 public:
  explicit Service(const std::vector<std::string>& command) : process_(command) {
    const std::regex line("serving at http://127\\.0\\.0\\.1:([0-9]+)\n");
    Process::until(60, [&] {
      std::smatch found;
      const std::string said = process_.out();
      if (std::regex_search(said, found, line)) port = std::stoi(found[1]);
      return port != 0;
    });
  }
  Finished stop(int signal = SIGTERM) {
    process_.signal(signal);
    return process_.wait(30);
  }
  HttpReply post(const std::string& path, const std::string& body) const {
    return http(port, http_text("POST", path, body,
                                "Content-Type: application/json\r\nAuthorization: Bearer open sesame\r\n"));
  }
  int port = 0;

 private:
  Process process_;
};

TEST_F(Serve, ManyClientsGetWhatTheCommandGives) {
  write_file_atomic(path("token"), "open sesame\n");
  Service service(serve({"--gallery", path("gallery.safetensors"), "--token-file", path("token")}));
  ASSERT_NE(service.port, 0);
  EXPECT_EQ(http(service.port, http_text("POST", "/embed", "{}")).status, 401);
  const std::vector<Json> expected = rows();
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  for (size_t c = 0; c < 12; ++c)
    clients.emplace_back([&, c] {
      for (size_t i = c; i < expected.size(); i += 12) {
        const std::string id = expected[i]["id"];
        const Json found = Json::parse(service.post("/search", body_of(id)).body);
        const Json row = Json::parse(service.post("/embed", body_of(id)).body)["embeddings"][0];
        double apart = 0;
        for (size_t d = 0; d < row.size(); ++d)
          apart += std::abs(row[d].get<double>() - expected[i]["embedding"][d].get<double>());
        right += found["answers"][0]["hits"][0]["id"] == id && row.size() == 8 && apart < 1e-4;
      }
    });
  for (auto& client : clients) client.join();
  EXPECT_EQ(right, 48);
  const Finished finished = service.stop();
  EXPECT_EQ(finished.code, 0) << finished.err;
}

// Who was enrolled is in the file when the client gets the answer.
TEST_F(Serve, KeepsWhomItEnrolledThroughACrash) {
  const std::vector<std::string> words = serve({"--gallery", path("people.safetensors"), "--allow-enroll"});
  std::string id = rows().front()["id"];
  {
    Service service(words);
    ASSERT_NE(service.port, 0);
    Json body = Json::parse(body_of(id));
    body["name"] = "Ada";
    const HttpReply reply = service.post("/enroll", body.dump());
    EXPECT_EQ(reply.status, 200) << reply.body;
    service.stop(SIGKILL);
  }
  Service again(words);
  ASSERT_NE(again.port, 0);
  const Json listed = Json::parse(http(again.port, http_text("GET", "/gallery", "", "")).body);
  EXPECT_EQ(listed["page"][0]["name"], "Ada");
  EXPECT_EQ(again.stop().code, 0);
}

TEST_F(Serve, RefusesAGalleryThatNobodyCouldFill) {
  const Finished refused = run(serve({"--gallery", path("none.safetensors")}));
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--allow-enroll"));
}

TEST_F(Serve, RefusesToServeOpenlyToOthers) {
  const Finished open = run(serve({"--address", "0.0.0.0"}));
  EXPECT_EQ(open.code, 2);
  EXPECT_THAT(open.err, HasSubstr("--token-file"));
  write_file_atomic(path("empty"), "\n");
  EXPECT_EQ(run(serve({"--token-file", path("empty")})).code, 2);
}

// One limit that makes another unattainable is an error, thrown before the model is loaded.
TEST_F(Serve, RefusesLimitsThatContradictEachOther) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> limits = {
      {{"--max-request-pixels", "1000"}, "--max-request-pixels"},
      {{"--max-pixels", "1000000000", "--max-request-pixels", "2000000000"}, "--max-decoded-mib"},
      {{"--max-decoded-mib", "255"}, "--max-decoded-mib: expected at least 256"},
      {{"--batch-rows", "512"}, "lower --batch-rows"},
      {{"--batch-rows", "8", "--waiting-rows", "63"}, "--waiting-rows: expected at least"}};
  for (const auto& [words, named] : limits) {
    const Finished refused = run(serve(words));
    EXPECT_EQ(refused.code, 2) << named << refused.err;
    EXPECT_THAT(refused.err, HasSubstr(named));
  }
}

}  // namespace
}  // namespace lodestone::testing
