// The server over real sockets of the loopback network, with clients that misbehave.
#include "trainer/http/http_server.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <iterator>
#include <mutex>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/files.h"
#include "http/served.h"
#include "support/http.h"

namespace lodestone::testing {
using namespace http;
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using Clock = std::chrono::steady_clock;

TEST(HttpServer, AnswersWhatItHasAndNothingElse) {
  const Server server;
  EXPECT_EQ(server.ask("GET", "/page").body, "a page");
  EXPECT_EQ(server.ask("GET", "/page?a=b").body, "a page");
  EXPECT_THAT(server.ask("GET", "/page").head, HasSubstr("Content-Security-Policy: default-src 'none'"));
  const HttpReply head = server.ask("HEAD", "/page");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_THAT(head.head, HasSubstr("Content-Length: 6"));
  EXPECT_EQ(server.ask("POST", "/echo", kJson, "[1]").body, "[1]");
  EXPECT_EQ(server.ask("POST", "/page", kJson, "{}").status, 405);
  EXPECT_EQ(server.ask("GET", "/echo").status, 405);
  EXPECT_EQ(server.ask("OPTIONS", "/echo").status, 405);
  EXPECT_THAT(server.ask("TRACE", "/echo").head, HasSubstr("Allow: POST\r\n"));
  EXPECT_THAT(server.ask("TRACE", "/page").head, HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(server.ask("GET", "/page").head, Not(HasSubstr("Allow:")));
  for (const char* path : {"/etc/passwd", "/../../../../etc/passwd", "/..%2f..%2fetc/passwd", "/page/..",
                           "//page", "/%70age", "/page/", "*", "http://here/page"})
    EXPECT_EQ(server.ask("GET", path).status, 404) << path;
}

TEST(HttpServer, ErrorsBecomeAnswers) {
  const Server server;
  const HttpReply bad = server.ask("POST", "/echo", kJson, "\"bad\"");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(bad.body, "{\"error\":\"that is bad\"}\n");
  const HttpReply bug = server.ask("POST", "/echo", kJson, "\"bug\"");
  EXPECT_EQ(bug.status, 500);
  EXPECT_THAT(bug.body, Not(HasSubstr("secret")));
}

TEST(HttpServer, AsksARouteFirstWhetherItAnswersAtOnce) {
  const Server server;
  EXPECT_EQ(server.ask("POST", "/quick", kJson, "1").body, "at once");
  EXPECT_EQ(server.ask("POST", "/quick", kJson, "\"slow\"").body, "later: 6");
  EXPECT_EQ(server.ask("POST", "/quick", kJson, std::string(kQuickBody, ' ')).body, "at once");
  EXPECT_EQ(server.ask("POST", "/quick", kJson, std::string(kQuickBody + 1, ' ')).body, "later: 8193");
  EXPECT_EQ(server.ask("POST", "/quick", kJson, "\"bad\"").status, 400);
  EXPECT_EQ(server.ask("POST", "/quick?a=%ff", kJson, "1").status, 400);
}

TEST(HttpServer, BoundsRequests) {
  HttpOptions options;
  options.max_body = 1000;
  const Server server(options);
  EXPECT_EQ(server.ask("GET", "/page", "X-Long: " + std::string(9000, 'x') + "\r\n").status, 431);
  EXPECT_EQ(server.ask("GET", "/page", "X-Long: " + std::string(4 << 20, 'x') + "\r\n").status, 431);
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  EXPECT_EQ(server.ask("GET", "/page", many).status, 431);
  EXPECT_EQ(server.ask("GET", "/" + std::string(9000, 'a')).status, 431);
  EXPECT_EQ(server.ask("GET", "/page", "", "hello").status, 413);
  EXPECT_EQ(server.ask("POST", "/echo", kJson, std::string(1000, '1')).status, 200);
  EXPECT_EQ(server.ask("POST", "/echo", kJson, std::string(1001, '1')).status, 413);
  EXPECT_EQ(server.ask("POST", "/echo", kJson, std::string(8 << 20, '1')).status, 413);
  EXPECT_EQ(server.ask("POST", "/echo", std::string(kJson) + "Content-Length: 9999999999999\r\n").status,
            413);
  EXPECT_EQ(
      server.ask("POST", "/echo", std::string(kJson) + "Content-Length: 18446744073709551616\r\n").status,
      400);
  EXPECT_EQ(server.ask("POST", "/echo", std::string(kJson) + "Content-Length: -1\r\n").status, 400);
  EXPECT_EQ(
      server.ask("POST", "/echo", std::string(kJson) + "Content-Length: 1\r\nContent-Length: 2\r\n").status,
      400);
  EXPECT_EQ(server.ask("POST", "/echo", std::string(kJson) + "Transfer-Encoding: chunked\r\n").status, 411);
  EXPECT_EQ(server.ask("POST", "/echo", "Content-Type: text/plain\r\n", "{}").status, 415);
  EXPECT_EQ(server.echoed(), 1);
}

TEST(HttpServer, NonsenseGetsNoAnswerThatIsGood) {
  const Server server;
  for (const char* text :
       {"\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02 TLS\r\n\r\n", "GET /page HTTP/9.9\r\n\r\n",
        "GET /page\r\n\r\n", "GET /page HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /page HTTP/1.1\r\nA: b\001c\r\n\r\n", "G\xff /page HTTP/1.1\r\n\r\n"})
    EXPECT_EQ(server.raw(text).status, 400) << text;
  EXPECT_EQ(server.ask("GET", "/page").status, 200);
}

TEST(HttpServer, KeepsAConnectionForTheNextRequest) {
  const Server server;
  const HttpClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(client.read_to("a page"));
  }
  // Two at once are answered in turn.
  client.send(
      "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\nGET /page HTTP/1.1\r\nHost: localhost\r\nConnection: "
      "close\r\n\r\n");
  ASSERT_TRUE(client.read_to("a page"));
  EXPECT_EQ(client.reply().body, "a page");
}

TEST(HttpServer, ASlowClientLosesItsTurn) {
  HttpOptions options;
  options.patience = 300ms;
  const Server server(options);
  const auto start = Clock::now();
  EXPECT_EQ(server.raw("").status, 0);                              // silent
  EXPECT_EQ(server.raw("GET /page HTTP/1.1\r\nHost").status, 408);  // halfway through the headers
  EXPECT_EQ(server.ask("POST", "/echo", std::string(kJson) + "Content-Length: 10\r\n").status,
            408);  // without its body
  EXPECT_LT(Clock::now() - start, 20s);
  EXPECT_EQ(server.echoed(), 0);
}

// One byte now and then holds a connection no longer than silence does: the limit is for the whole request.
TEST(HttpServer, TricklingBuysNoTime) {
  HttpOptions options;
  options.patience = 300ms;
  const Server server(options);
  const HttpClient client(server.port());
  std::atomic<bool> over = false;
  std::thread trickle([&] {
    const auto start = Clock::now();
    auto next = start;
    while (!over && Clock::now() < start + 20s)
      if (Clock::now() >= next) {
        client.send("X");
        next = Clock::now() + 20ms;
      }
  });
  const auto start = Clock::now();
  EXPECT_EQ(client.reply().status, 408);
  over = true;
  trickle.join();
  EXPECT_LT(Clock::now() - start, 10s);
}

TEST(HttpServer, AnswersOnlyWhoIsAuthorized) {
  HttpOptions options;
  options.authorization = basic_authorization("ali", "open sesame");
  EXPECT_EQ(options.authorization, "Basic YWxpOm9wZW4gc2VzYW1l");
  const Server server(options);
  for (const char* header :
       {"", "Authorization: \r\n", "Authorization: Basic YWxpOm9wZW4gc2VzYW1\r\n",
        "Authorization: Basic YWxpOm9wZW4gc2VzYW1ll\r\n", "Authorization: Bearer YWxpOm9wZW4gc2VzYW1l\r\n"})
    for (const char* path : {"/page", "/echo", "/nowhere"}) {
      const HttpReply reply = server.ask("GET", path, header);
      EXPECT_EQ(reply.status, 401) << header << path;
      EXPECT_THAT(reply.head, HasSubstr("WWW-Authenticate: Basic"));
    }
  EXPECT_EQ(server.ask("GET", "/page", "Authorization: Basic YWxpOm9wZW4gc2VzYW1l\r\n").status, 200);
  EXPECT_EQ(server.ask("GET", "/open").status, 200);
}

TEST(HttpServer, NoPageOfAnotherSiteCanPost) {
  const Server server;
  EXPECT_EQ(server.ask("POST", "/echo", "Origin: http://elsewhere.example\r\n").status, 403);
  EXPECT_EQ(server.ask("POST", "/echo", "Origin: null\r\n").status, 403);
  EXPECT_EQ(server.ask("POST", "/echo", "Sec-Fetch-Site: same-site\r\n").status, 403);
  EXPECT_EQ(
      server.ask("POST", "/echo", "Origin: http://elsewhere.example\r\nContent-Type: text/plain\r\n", "{}")
          .status,
      415);
  EXPECT_EQ(server.echoed(), 0);
  EXPECT_EQ(server.ask("POST", "/echo", "Origin: http://localhost\r\n").status, 200);
  EXPECT_EQ(server.ask("POST", "/echo").status, 200);
}

TEST(HttpServer, TakesFilesAndDeletesOnlyWhereARouteDoes) {
  const Server server;
  for (const char* type : {"application/octet-stream", "multipart/form-data; boundary=x"})
    EXPECT_EQ(server.ask("POST", "/echo", "Content-Type: " + std::string(type) + "\r\n", "{}").status, 415);
  const HttpReply refused = server.ask("DELETE", "/page");
  EXPECT_EQ(refused.status, 405);
  EXPECT_THAT(refused.head, HasSubstr("Allow: GET, HEAD"));
  EXPECT_EQ(server.echoed(), 0);
}

// The name of another site may be made to lead to this host.
TEST(HttpServer, NoOtherSiteIsServedOnLoopback) {
  const auto status = [](const Server& server, const std::string& host, const std::string& more = "") {
    return server
        .raw("GET /page HTTP/1.1\r\nConnection: close\r\n" + more +
             (host.empty() ? "" : "Host: " + host + "\r\n") + "\r\n")
        .status;
  };
  const Server server;
  for (const char* host : {"localhost", "LocalHost:9400", "127.0.0.1", "127.0.0.1:9400", "[::1]:9400", ""})
    EXPECT_EQ(status(server, host), 200) << host;
  for (const char* host : {"elsewhere.example", "elsewhere.example:9400", "127.0.0.1.elsewhere.example",
                           "localhost.elsewhere.example", "[elsewhere]", "[", "::1"})
    EXPECT_EQ(status(server, host), 421) << host;
  HttpOptions options;
  options.authorization = bearer_authorization("sesame");
  EXPECT_EQ(status(Server(options), "elsewhere.example", "Authorization: Bearer sesame\r\n"), 200);
}

TEST(HttpServer, ReportsWhoWatches) {
  std::mutex mutex;
  std::vector<std::string> seen;
  const Server server({}, [&](const std::string& path, int status, double seconds) {
    EXPECT_GE(seconds, 0);
    const std::scoped_lock lock(mutex);
    seen.push_back(path + " " + std::to_string(status));
  });
  server.ask("GET", "/page");
  server.ask("GET", "/made-up");
  server.raw("nonsense\r\n\r\n");
  const std::scoped_lock lock(mutex);
  EXPECT_EQ(seen, (std::vector<std::string>{"/page 200", "other 404", "other 400"}));
}

TEST(HttpServer, MoreClientsThanItTakesWaitAndAreAnswered) {
  HttpOptions options;
  options.max_requests = 1;
  const Server server(options);
  std::vector<std::unique_ptr<HttpClient>> idle;
  for (int i = 0; i < 80; ++i) idle.push_back(std::make_unique<HttpClient>(server.port()));
  std::future<int> late = std::async(std::launch::async, [&] { return server.ask("GET", "/open").status; });
  idle.clear();
  EXPECT_EQ(late.get(), 200);
}

TEST(HttpServer, WhoIsTooManyIsAskedToComeBack) {
  HttpOptions options;
  options.max_requests = 1;
  const Server server(options);
  std::future<int> first = std::async(std::launch::async, [&] { return server.ask("POST", "/held").status; });
  server.wait_until_held();
  const HttpReply second = server.ask("GET", "/page");
  EXPECT_EQ(second.status, 503);
  EXPECT_THAT(second.head, HasSubstr("Retry-After: 1"));
  EXPECT_EQ(server.ask("GET", "/open").status, 200);
  server.release();
  EXPECT_EQ(first.get(), 200);
  EXPECT_EQ(server.ask("GET", "/page").status, 200);
}

size_t threads_of_this_process() {
  const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST(HttpServer, StartsThreadsAsRequestsNeedThem) {
  const size_t before = threads_of_this_process();
  HttpOptions options;
  options.max_requests = 1000;
  const Server server(options);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(server.ask("GET", "/page").status, 200);
  EXPECT_LE(threads_of_this_process(), before + 4);
  std::future<int> held = std::async(std::launch::async, [&] { return server.ask("POST", "/held").status; });
  server.wait_until_held();
  EXPECT_EQ(server.ask("GET", "/page").status, 200);  // by another thread than the one that is held
  server.release();
  EXPECT_EQ(held.get(), 200);
}

TEST(HttpServer, EndsAtOnceWhateverClientsDo) {
  auto server = std::make_unique<Server>();
  const HttpClient silent(server->port()), half(server->port()), done(server->port());
  half.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
      "10\r\n\r\n12");
  done.send("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(done.read_to("a page"));
  const auto start = Clock::now();
  server.reset();
  EXPECT_LT(Clock::now() - start, 5s);
}

TEST(HttpServer, ServesAtOneAddressOnly) {
  const Server server;
  EXPECT_THROW(HttpClient(server.port(), "127.0.0.2"), std::runtime_error);
  HttpOptions six;
  six.address = "::1";
  try {
    EXPECT_NE(Server(six).port(), 0);
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("not"));  // a host without IPv6
  }
}

std::string refusal_at(const std::string& address) {
  HttpOptions options;
  options.address = address;
  return refusal(options);
}

TEST(HttpServer, NamesWhatIsWrongWithItsPlace) {
  const Server taken;
  HttpOptions options;
  options.port = taken.port();
  EXPECT_THAT(refusal(options), HasSubstr("127.0.0.1:" + std::to_string(taken.port())));
  EXPECT_THAT(refusal(options), HasSubstr("Address already in use; set the address"));
  options.port = 65536;
  EXPECT_THAT(refusal(options), HasSubstr("65536"));
  for (const char* address : {"localhost", "127.0.0.1:80,0.0.0.0", "", "8080"})
    EXPECT_THAT(refusal_at(address), HasSubstr("IP address")) << address;
  EXPECT_THAT(refusal_at("192.0.2.1"), HasSubstr("Cannot assign"));
}

TEST(HttpServer, ReadsSecrets) {
  const TempFolder folder;
  const std::string file = (folder.path() / "secret").string();
  write_file_synced(file, "open sesame\r\nsecond line\n");
  EXPECT_EQ(read_secret(file, "--token-file"), "open sesame");
  write_file_synced(file, "\n");
  EXPECT_THROW(read_secret(file, "--token-file"), ConfigError);
  EXPECT_THROW(read_secret("/nonexistent", "--token-file"), ConfigError);
}

}  // namespace
}  // namespace lodestone::testing
