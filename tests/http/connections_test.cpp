// Clients that take connections and keep them: they keep nobody else out.
#include <chrono>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/served.h"
#include "support/growth.h"
#include "support/half_open.h"
#include "trainer/http/http_server.h"

namespace lodestone::testing {
using namespace http;
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// As the server of a run's metrics has it: 80 connections in all, 48 of an address.
HttpOptions few() {
  HttpOptions options;
  options.max_requests = 16;
  options.patience = 60s;
  return options;
}

// The status, and 0 if it took longer than a second.
int soon(const Server& server, const std::string& path, const char* own = nullptr) {
  const auto start = Clock::now();
  const int status = http(server.port(), http_text("GET", path), own).status;
  return Clock::now() - start < 1s ? status : 0;
}

TEST(Connections, SilentOnesKeepNobodyOut) {
  const Server server(few());
  const HalfOpen same(server.port(), 200);
  EXPECT_EQ(soon(server, "/open"), 200);
  EXPECT_EQ(soon(server, "/page"), 200);
  EXPECT_EQ(soon(server, "/open", "127.0.0.2"), 200);
}

TEST(Connections, SilentOnesOfManyAddressesKeepNobodyOut) {
  const Server server(few());
  const HalfOpen many(server.port(), 200, loopback_addresses(50, 7));
  EXPECT_EQ(soon(server, "/open"), 200);
  EXPECT_EQ(soon(server, "/page", "127.0.7.1"), 200);
}

TEST(Connections, WhateverTheyAreSilentAfter) {
  for (const char* start :
       {"", "\r", "GET /open HTTP/1.1\r\n", "POST /echo HTTP/1.1\r\nHost: localhost\r\nX: y",
        "GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n"}) {  // the last is answered and stays
    const Server server(few());
    const HalfOpen clients(server.port(), 120, loopback_addresses(4, 8), start);
    EXPECT_EQ(soon(server, "/open"), 200) << start;
  }
}

TEST(Connections, TheOldestWithoutAWholeHeadGoesFirst) {
  HttpOptions options = few();
  options.max_per_address = 2;
  const Server server(options);
  const HalfOpen clients(server.port(), 2, {"127.0.0.9"});
  EXPECT_EQ(soon(server, "/open", "127.0.0.9"), 200);
  EXPECT_EQ(clients[0].reply().status, 0);  // hung up on
  clients[1].send("TP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(clients[1].reply().status, 404);  // there is no /
}

TEST(Connections, OneAddressTakesNoOthersPlace) {
  HttpOptions options = few();
  options.max_per_address = 3;
  const Server server(options);
  const HalfOpen quiet(server.port(), 1, {"127.0.0.9"});
  const HalfOpen greedy(server.port(), 200, {"127.0.0.8"});
  EXPECT_EQ(soon(server, "/open"), 200);
  quiet[0].send("TP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(quiet[0].reply().status, 404);
}

TEST(Connections, WhoIsBeingAnsweredStays) {
  HttpOptions options = few();
  options.max_per_address = 1;
  const Server server(options);
  std::future<int> held = std::async(std::launch::async, [&] { return server.ask("POST", "/held").status; });
  server.wait_until_held();
  EXPECT_EQ(soon(server, "/open"), 0);  // its address has no other place
  EXPECT_EQ(soon(server, "/open", "127.0.0.2"), 200);
  server.release();
  EXPECT_EQ(held.get(), 200);
}

// Half of the places are taken: who comes then has a tenth of the time for a head.
TEST(Connections, HeadsHaveToComeSoonerInACrowd) {
  HttpOptions options = few();
  options.patience = 20s;
  const Server server(options);
  const HalfOpen crowd(server.port(), 45);
  EXPECT_EQ(soon(server, "/open"), 200);  // behind them all
  const HttpClient late(server.port());
  late.send("GET /open HTTP/1.1\r\nHost: localhost\r\n");
  const auto start = Clock::now();
  EXPECT_EQ(late.reply().status, 408);
  EXPECT_LT(Clock::now() - start, 15s);
}

std::string head_of_body(size_t length) {
  return "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: "
         "close\r\nContent-Length: " +
         std::to_string(length) + "\r\n\r\n";
}

int echo_soon(const Server& server, size_t bytes, const char* own = nullptr) {
  const auto start = Clock::now();
  const int status = http(server.port(), head_of_body(bytes) + std::string(bytes, ' '), own).status;
  return Clock::now() - start < 5s ? status : 0;
}

// As many as may be under way, and more: none of them has asked for anything yet.
TEST(Connections, ThoseWithoutABodyKeepNobodyOut) {
  for (const size_t clients : {16, 200})
    for (const char* piece : {"", " "}) {
      const Server server(few());
      const HalfOpen silent(server.port(), clients, loopback_addresses(4, 10), head_of_body(5) + piece);
      EXPECT_EQ(echo_soon(server, 5), 200) << clients;
      EXPECT_EQ(soon(server, "/open"), 200) << clients;
      EXPECT_EQ(soon(server, "/page", "127.0.10.1"), 200) << clients;
    }
}

TEST(Connections, AnAddressLosesItsOldestWithoutAWholeBody) {
  HttpOptions options = few();
  options.max_per_address = 2;
  const Server server(options);
  const HalfOpen clients(server.port(), 2, {"127.0.0.9"}, head_of_body(2) + " ");
  EXPECT_EQ(echo_soon(server, 5, "127.0.0.9"), 200);
  EXPECT_EQ(clients[0].reply().status, 0);  // hung up on
  clients[1].send(" ");
  EXPECT_EQ(clients[1].reply().status, 200);
}

// What has come of bodies is bounded for all together: the slowest gives way.
TEST(Connections, BodiesTogetherStayWithinTheirBound) {
  HttpOptions options = few();
  options.max_body = 1 << 20;
  options.max_bodies = 1 << 20;
  const Server server(options);
  const size_t part = 300 << 10;
  const HalfOpen slow(server.port(), 3, {"127.0.0.9"}, head_of_body(part + 1) + std::string(part, ' '));
  // All three have to go for it, once their pace has fallen below its own.
  const auto deadline = Clock::now() + 10s;
  int status = 0;
  while (status != 200 && Clock::now() < deadline) status = echo_soon(server, 1 << 20);
  EXPECT_EQ(status, 200);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(slow[i].reply().status, 0) << i;
  EXPECT_EQ(echo_soon(server, 1 << 20), 200);  // and nothing of them is left
  EXPECT_EQ(echo_soon(server, (1 << 20) + 1), 413);
}

TEST(Connections, BodiesThatWaitForTheirAnswerCountToo) {
  HttpOptions options = few();
  options.max_body = 1 << 20;
  options.max_bodies = 1 << 20;
  const Server server(options);
  std::future<int> held = std::async(std::launch::async, [&] {
    return server.ask("POST", "/held", kJson, std::string(1 << 19, ' ')).status;
  });
  server.wait_until_held();
  EXPECT_EQ(echo_soon(server, 1 << 20), 503);
  EXPECT_EQ(echo_soon(server, 1 << 18), 200);
  server.release();
  EXPECT_EQ(held.get(), 200);
  EXPECT_EQ(echo_soon(server, 1 << 20), 200);
}

TEST(Connections, ARouteForAlwaysIsAnsweredHoweverMuchIsUnderWay) {
  const HttpRoute hold{true, false, [](const HttpRequest&) { return HttpAnswer{}; }};
  const HttpRoute figures{false, false, [](const HttpRequest&) { return HttpAnswer{}; }, true};
  HttpOptions options = few();
  options.authorization = bearer_authorization("sesame");
  const HttpServer server(options,
                          [&](const std::string& path) { return path == "/figures" ? &figures : &hold; });
  const std::string token = "Authorization: Bearer sesame\r\n";
  const HalfOpen posts(server.port(), 30, loopback_addresses(3, 9),
                       "POST /hold HTTP/1.1\r\nHost: localhost\r\n" + token +
                           "Content-Type: application/json\r\nContent-Length: 5\r\n\r\n1");
  // The server's thread reads heads in the order in which they came, so that by now all places are taken.
  EXPECT_EQ(http(server.port(), http_text("GET", "/figures", "", token)).status, 200);
  EXPECT_EQ(http(server.port(), http_text("GET", "/figures")).status, 401);
}

TEST(Heads, WithWhatMayComeOnceTwiceAreRefused) {
  const Server server;
  for (const char* header :
       {"Host: localhost\r\n", "hOST: other\r\n", "Origin: http://localhost\r\nOrigin: http://localhost\r\n",
        "Authorization: a\r\nAuthorization: a\r\n",
        "Content-Type: application/json\r\nContent-Type: text/plain\r\n",
        "Expect: 100-continue\r\nExpect: 100-continue\r\n"}) {
    EXPECT_EQ(server.ask("GET", "/page", header).status, 400) << header;
    EXPECT_EQ(server.ask("GET", "/open", header).status, 400) << header;
  }
  EXPECT_EQ(server.ask("GET", "/page", "Accept: a\r\nAccept: b\r\n").status, 200);
}

// Up to the limit of 8 KiB. A hundred at once, lest the connection be what is timed.
TEST(Heads, TakeTwiceAsLongForTwiceAsMuch) {
  const Server server;
  const auto requests = [](size_t n) {  // n lines a head, 600 at most
    std::string head = "GET /page HTTP/1.1\r\nHost: localhost\r\n";
    for (size_t i = 0; i < n; ++i) head += "X-" + std::to_string(i) + ": a\r\n";
    std::string all;
    for (int i = 0; i < 99; ++i) all += head + "\r\n";
    return all + head + "Connection: close\r\n\r\n";
  };
  expect_linear(
      requests, [&](const std::string& text) { EXPECT_EQ(server.raw(text).status, 200); }, 100, 600);
}

TEST(Bodies, TakeTwiceAsLongForTwiceAsMuch) {
  const Server server;
  expect_linear([](size_t n) { return http_text("POST", "/echo", "\"" + std::string(n, 'a') + "\""); },
                [&](const std::string& text) { EXPECT_EQ(server.raw(text).status, 200); }, 1 << 20, 12 << 20);
}

}  // namespace
}  // namespace lodestone::testing
