// The pages of a run, served.
#include "trainer/coordinator/metrics/live_pages.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/files.h"
#include "support/half_open.h"
#include "support/http.h"
#include "support/texts.h"

namespace lodestone {
using namespace coordinator;
using namespace engine;
using namespace http;
namespace {

using ::testing::HasSubstr;
using testing::http;
using testing::http_text;
using testing::HttpReply;
using ::testing::Not;

class LivePagesTest : public ::testing::Test {
 protected:
  void serve(const MetricsConfig& config) {
    std::function<void()> request;
    if (!config.user.empty()) request = [this] { ++asked_; };
    server_ = serve_pages(
        config, 0, live_pages({metrics_, live_, [this] { return ranks_; }, request}, config.shows_pages()),
        [this](const std::string& sentence) { warnings_.push_back(sentence); });
  }
  MetricsConfig with_password() {
    write_file_synced(folder_.path() / "password", "open sesame\n");
    MetricsConfig config;
    config.user = "ali";
    config.password_file = (folder_.path() / "password").string();
    return config;
  }
  HttpReply ask(const char* method, const std::string& path, const std::string& headers = "") const {
    return http(server_->port(), http_text(method, path, "", headers));
  }
  HttpReply get(const std::string& path, const std::string& headers = "") const {
    return ask("GET", path, headers);
  }

  const TempFolder folder_;
  const RunInfo run_{"faces", "abc", "local", 1, 0, 0, 0, {}};
  RunMetrics metrics_{run_};
  LiveState live_{run_, 0, 10, {{"Encoder", "conv4"}}, "seed: 1\n"};
  std::vector<RankState> ranks_;
  std::atomic<int> asked_ = 0;
  std::vector<std::string> warnings_;
  std::unique_ptr<HttpServer> server_;
};

// printf 'ali:open sesame' | base64
constexpr const char* kPassword = "Authorization: Basic YWxpOm9wZW4gc2VzYW1l\r\n";

TEST_F(LivePagesTest, AnswersWhatItHas) {
  serve({});
  EXPECT_THAT(get("/metrics").body, HasSubstr("\nlodestone_world_size 1\n"));
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_THAT(get("/").body, HasSubstr("<h1 id=\"run\">"));
  EXPECT_THAT(get("/live.js").head, HasSubstr("text/javascript"));
  EXPECT_THAT(get("/live.css").head, HasSubstr("text/css"));
  EXPECT_THAT(get("/run.json").body, HasSubstr("\"run\":\"faces\""));
  EXPECT_THAT(get("/embeddings.json").body, HasSubstr("\"points\":[]"));
  EXPECT_EQ(get("/etc/passwd").status, 404);
  EXPECT_EQ(ask("POST", "/metrics").status, 405);
  EXPECT_EQ(ask("DELETE", "/").status, 405);
}

TEST_F(LivePagesTest, IsReadyOnceAStepIsDone) {
  serve({});
  EXPECT_EQ(get("/readyz").status, 503);
  metrics_.step({});
  EXPECT_EQ(get("/readyz").status, 200);
}

// No step need be done between two looks: a run that hangs must show who it waits for.
TEST_F(LivePagesTest, ShowsTheRanksAsTheyAre) {
  serve({});
  ranks_ = {{0, 5, 0.1, 0, ""}, {1, 5, 0.1, 7.5, "barrier call 3 of group world"}};
  EXPECT_THAT(get("/metrics").body, HasSubstr("\nlodestone_rank_lag_seconds 7.5\n"));
  EXPECT_THAT(get("/run.json").body, HasSubstr("barrier call 3"));
  ranks_[1].awaited_seconds = 8;
  EXPECT_THAT(get("/metrics").body, HasSubstr("\nlodestone_rank_lag_seconds 8\n"));
}

TEST_F(LivePagesTest, AsksForThePassword) {
  serve(with_password());
  for (const char* path : {"/", "/metrics", "/run.json", "/nothing"}) {
    EXPECT_THAT(get(path).head, HasSubstr("WWW-Authenticate: Basic")) << path;
    EXPECT_EQ(get(path, "Authorization: Basic YWxpOm9wZW4=\r\n").status, 401) << path;
    EXPECT_EQ(get(path, "Authorization: Basic \r\n").status, 401) << path;
  }
  EXPECT_EQ(get("/metrics", kPassword).status, 200);
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_THAT(get("/metrics", kPassword).body, Not(HasSubstr("sesame")));
  EXPECT_THAT(get("/run.json", kPassword).body, Not(HasSubstr("sesame")));
}

constexpr const char* kShowing[] = {"/", "/live.css", "/live.js", "/run.json", "/embeddings.json"};

TEST_F(LivePagesTest, StrangersSeeFiguresAlone) {
  MetricsConfig config;
  config.address = "0.0.0.0";
  serve(config);
  for (const char* path : kShowing) {
    const HttpReply reply = get(path);
    EXPECT_EQ(reply.status, 403) << path;
    EXPECT_THAT(reply.body, HasSubstr("set metrics.user and metrics.password_file")) << path;
    EXPECT_THAT(reply.body, Not(HasSubstr("seed"))) << path;
  }
  for (const char* path : {"/metrics", "/healthz"}) EXPECT_EQ(get(path).status, 200) << path;
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_THAT(get("/metrics").body, HasSubstr("\nlodestone_world_size 1\n"));
}

TEST_F(LivePagesTest, PagesAreShownToWhoMaySeeThem) {
  const auto shown = [](const char* address, const char* user, ServedPages pages) {
    MetricsConfig config;
    config.address = address;
    config.user = user;
    config.pages = pages;
    return config.shows_pages();
  };
  for (const char* here : {"127.0.0.1", "127.1.2.3", "::1"})
    EXPECT_TRUE(shown(here, "", ServedPages::kAuto)) << here;
  for (const char* open : {"0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "::ffff:127.0.0.1"}) {
    EXPECT_FALSE(shown(open, "", ServedPages::kAuto)) << open;
    EXPECT_TRUE(shown(open, "ali", ServedPages::kAuto)) << open;
    EXPECT_TRUE(shown(open, "", ServedPages::kAll)) << open;
    EXPECT_FALSE(shown(open, "ali", ServedPages::kMetrics)) << open;
  }
  EXPECT_FALSE(shown("127.0.0.1", "", ServedPages::kMetrics));
  MetricsConfig config = with_password();
  config.address = "0.0.0.0";
  serve(config);
  for (const char* path : kShowing) {
    EXPECT_EQ(get(path).status, 401) << path;
    EXPECT_EQ(get(path, kPassword).status, 200) << path;
  }
}

TEST_F(LivePagesTest, WarnsOfAPasswordThatOthersMayRead) {
  const MetricsConfig config = with_password();
  std::filesystem::permissions(config.password_file, std::filesystem::perms(0600));
  serve(config);
  EXPECT_TRUE(warnings_.empty());
  std::filesystem::permissions(config.password_file, std::filesystem::perms(0640));
  serve(config);
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_THAT(warnings_[0],
              HasSubstr("metrics.password_file: expected a file that its owner alone may read"));
}

// 200 clients that connect and are silent keep Prometheus out no more than its own connections do.
TEST_F(LivePagesTest, FiguresComeInTimeWhoeverIsSilent) {
  serve({});
  for (const auto& addresses : {std::vector<std::string>{"127.0.0.1"}, testing::loopback_addresses(100, 6)}) {
    const testing::HalfOpen silent(server_->port(), 200, addresses);
    for (const char* path : {"/metrics", "/healthz"}) {
      const auto start = std::chrono::steady_clock::now();
      EXPECT_EQ(get(path).status, 200) << path;
      EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1)) << path;
    }
  }
}

TEST_F(LivePagesTest, CheckpointsAreAskedForByWhoMay) {
  serve(with_password());
  EXPECT_EQ(ask("POST", "/checkpoint").status, 401);
  EXPECT_EQ(get("/checkpoint", kPassword).status, 405);
  EXPECT_EQ(
      ask("POST", "/checkpoint", std::string(kPassword) + "Origin: http://elsewhere.example\r\n").status,
      403);
  EXPECT_EQ(http(server_->port(), http_text("POST", "/checkpoint", "{}", std::string(kPassword))).status,
            413);
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(ask("POST", "/checkpoint", kPassword).status, 202);
  EXPECT_EQ(ask("POST", "/checkpoint", std::string(kPassword) + "Origin: http://localhost\r\n").status, 202);
  EXPECT_EQ(asked_, 2);
}

TEST_F(LivePagesTest, WithoutAPasswordNobodyMay) {
  serve({});
  EXPECT_EQ(ask("POST", "/checkpoint").status, 403);
}

TEST_F(LivePagesTest, ManyAskAtOnceWhileTrainingReports) {
  serve({});
  std::vector<std::thread> readers;
  std::atomic<int> good = 0;
  for (int r = 0; r < 4; ++r)
    readers.emplace_back([&] {
      const char* paths[] = {"/metrics", "/run.json", "/embeddings.json", "/readyz"};
      for (int i = 0; i < 25; ++i) good += get(paths[i % 4]).status != 0;
    });
  StepMetrics step;
  for (step.step = 1; step.step < 2000; ++step.step) {
    live_.step(step);
    metrics_.step(step);
    live_.checkpoint(step.step, 0.1, 10);
    if (live_.wants_embeddings()) live_.embeddings({step.step, {{0, 0, 1, "a"}}, {}});
  }
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(good, 100);
}

TEST_F(LivePagesTest, NamesWhatIsToBeSet) {
  const auto refusal = [this](const MetricsConfig& config) {
    return testing::message_of<ConfigError>([&] { serve(config); });
  };
  MetricsConfig config;
  config.user = "ali";
  EXPECT_THAT(refusal(config), HasSubstr("user and password_file together"));
  config.password_file = "/nonexistent/password";
  EXPECT_THAT(refusal(config), HasSubstr("metrics.password_file"));
  config = {};
  config.certificate = "/nonexistent/server.pem";
  EXPECT_THAT(refusal(config), HasSubstr("metrics.certificate"));
}

}  // namespace
}  // namespace lodestone
