#include "trainer/coordinator/web_server.h"

#include <atomic>
#include <cstdlib>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/files.h"
#include "trainer/coordinator/live_pages.h"

namespace lodestone {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A TCP socket of the loopback network.
class Socket {
 public:
  Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Listens at a port the system chooses and returns it.
  int listen() const {
    sockaddr_in address = at("127.0.0.1", 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 1), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  bool connect(const char* host, int port) const {
    const sockaddr_in address = at(host, port);
    return ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  // Everything that comes until the server closes.
  std::string talk(const std::string& request) const {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    // The server may refuse before it has read all.
    (void)::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
    std::string answer;
    char block[4096];
    for (ssize_t got = 0; (got = ::recv(fd_, block, sizeof block, 0)) > 0;)
      answer.append(block, static_cast<size_t>(got));
    return answer;
  }

 private:
  static sockaddr_in at(const char* host, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    ::inet_pton(AF_INET, host, &address.sin_addr);
    return address;
  }
  int fd_;
};

int free_port() {
  return Socket().listen();
}

std::string ask(int port, const std::string& request, const std::string& headers = "") {
  const Socket socket;
  EXPECT_TRUE(socket.connect("127.0.0.1", port));
  return socket.talk(request + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
}

MetricsConfig loopback() {
  MetricsConfig config;
  config.address = "127.0.0.1";
  return config;
}

// A run's pages, served.
class LivePagesTest : public testing::Test {
 protected:
  void serve(const MetricsConfig& config) {
    server_ = std::make_unique<WebServer>(config, port_, live_pages(metrics_, live_, [this] { ++asked_; }));
  }
  MetricsConfig with_password() {
    write_file_synced(folder_.path() / "password", "open sesame\n");
    MetricsConfig config = loopback();
    config.user = "ali";
    config.password_file = (folder_.path() / "password").string();
    return config;
  }

  const TempFolder folder_;
  const int port_ = free_port();
  const RunInfo run_{"faces", "abc", "local", 1, 0, 0, {}};
  RunMetrics metrics_{run_};
  LiveState live_{run_, 0, 10, {{"Encoder", "conv4"}}, "seed: 1\n"};
  std::atomic<int> asked_ = 0;
  std::unique_ptr<WebServer> server_;
};

// printf 'ali:open sesame' | base64
constexpr const char* kPassword = "Authorization: Basic YWxpOm9wZW4gc2VzYW1l\r\n";

TEST_F(LivePagesTest, AnswersWhatItHas) {
  serve(loopback());
  EXPECT_THAT(ask(port_, "GET /metrics"), HasSubstr("\nlodestone_world_size 1\n"));
  EXPECT_THAT(ask(port_, "GET /healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ask(port_, "GET /"), HasSubstr("<h1 id=\"run\">"));
  EXPECT_THAT(ask(port_, "GET /live.js"), HasSubstr("text/javascript"));
  EXPECT_THAT(ask(port_, "GET /live.css"), HasSubstr("text/css"));
  EXPECT_THAT(ask(port_, "GET /run.json"), HasSubstr("\"run\":\"faces\""));
  EXPECT_THAT(ask(port_, "GET /embeddings.json"), HasSubstr("\"points\":[]"));
  const std::string head = ask(port_, "HEAD /live.js");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(head, testing::EndsWith("\r\n\r\n"));
  // The whole 127.0.0.0/8 is this host: the server is at one address of it only.
  EXPECT_FALSE(Socket().connect("127.0.0.2", port_));
}

TEST_F(LivePagesTest, IsReadyOnceAStepIsDone) {
  serve(loopback());
  EXPECT_THAT(ask(port_, "GET /readyz"), StartsWith("HTTP/1.1 503"));
  StepMetrics step;
  step.step = 1;
  live_.step(step);
  EXPECT_THAT(ask(port_, "GET /readyz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(LivePagesTest, NoPathLeadsToAFile) {
  serve(loopback());
  for (const char* path : {"/etc/passwd", "/../../../../etc/passwd", "/..%2f..%2f..%2fetc/passwd", "/live.js/..",
                           "//etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/CMakeLists.txt", "/metrics/"}) {
    const std::string answer = ask(port_, std::string("GET ") + path);
    EXPECT_THAT(answer, Not(HasSubstr("root:"))) << path;
    EXPECT_THAT(answer, Not(HasSubstr("cmake"))) << path;
  }
  EXPECT_THAT(ask(port_, "GET /etc/passwd"), StartsWith("HTTP/1.1 404"));
}

TEST_F(LivePagesTest, RequestsAreBounded) {
  serve(loopback());
  const std::string long_header = ask(port_, "GET /metrics", "X-Long: " + std::string(64 << 10, 'x') + "\r\n");
  EXPECT_THAT(long_header, Not(StartsWith("HTTP/1.1 200")));
  EXPECT_THAT(ask(port_, "GET /metrics", "Content-Length: 5\r\n\r\nhello"), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(ask(port_, "POST /metrics"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(ask(port_, "DELETE /"), StartsWith("HTTP/1.1 405"));
  for (const char* nonsense : {"\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02", "GET / HTTP/9.9\r\n\r\n"}) {
    const Socket socket;
    ASSERT_TRUE(socket.connect("127.0.0.1", port_));
    EXPECT_THAT(socket.talk(nonsense), Not(HasSubstr("200 OK"))) << nonsense;
  }
  EXPECT_THAT(ask(port_, "GET /healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(LivePagesTest, AsksForThePassword) {
  serve(with_password());
  for (const char* path : {"GET /", "GET /metrics", "GET /run.json", "GET /nothing", "POST /checkpoint"}) {
    EXPECT_THAT(ask(port_, path), HasSubstr("WWW-Authenticate: Basic")) << path;
    EXPECT_THAT(ask(port_, path, "Authorization: Basic YWxpOm9wZW4=\r\n"), StartsWith("HTTP/1.1 401")) << path;
    EXPECT_THAT(ask(port_, path, "Authorization: Basic \r\n"), StartsWith("HTTP/1.1 401")) << path;
  }
  EXPECT_THAT(ask(port_, "GET /metrics", kPassword), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ask(port_, "GET /healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ask(port_, "GET /metrics", kPassword), Not(HasSubstr("sesame")));
}

TEST_F(LivePagesTest, CheckpointsAreAskedForByWhoMay) {
  serve(with_password());
  EXPECT_THAT(ask(port_, "POST /checkpoint"), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(ask(port_, "GET /checkpoint", kPassword), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(ask(port_, "POST /checkpoint", std::string(kPassword) + "Origin: http://elsewhere.example\r\n"),
              StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(asked_, 0);
  EXPECT_THAT(ask(port_, "POST /checkpoint", std::string(kPassword) + "Content-Length: 0\r\n"),
              StartsWith("HTTP/1.1 202"));
  EXPECT_THAT(ask(port_, "POST /checkpoint", std::string(kPassword) + "Origin: http://localhost\r\n"),
              StartsWith("HTTP/1.1 202"));
  EXPECT_EQ(asked_, 2);
}

TEST_F(LivePagesTest, WithoutAPasswordNobodyMay) {
  serve(loopback());
  EXPECT_THAT(ask(port_, "POST /checkpoint"), StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(asked_, 0);
}

TEST_F(LivePagesTest, ManyAskAtOnceWhileTrainingTells) {
  serve(loopback());
  std::vector<std::thread> readers;
  std::atomic<int> good = 0;
  for (int r = 0; r < 4; ++r)
    readers.emplace_back([&] {
      for (int i = 0; i < 25; ++i) good += ask(port_, i % 2 ? "GET /run.json" : "GET /metrics").starts_with("HTTP/1.1 200");
    });
  StepMetrics step;
  for (step.step = 1; step.step < 2000; ++step.step) {
    live_.step(step);
    metrics_.step(step);
  }
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(good, 100);
}

std::string refusal(const MetricsConfig& config, int port) {
  try {
    const WebServer server(config, port, {});
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal_at(const std::string& address) {
  MetricsConfig config;
  config.address = address;
  return refusal(config, 9400);
}

TEST(WebServer, PortInUse) {
  const Socket taken;
  const int port = taken.listen();
  const std::string text = refusal(loopback(), port);
  EXPECT_THAT(text, HasSubstr("127.0.0.1:" + std::to_string(port)));
  EXPECT_THAT(text, HasSubstr("Address already in use"));
  EXPECT_THAT(text, HasSubstr("metrics.port"));
}

TEST(WebServer, AddressesThatAreNone) {
  EXPECT_THAT(refusal_at("localhost"), HasSubstr("IP address"));
  EXPECT_THAT(refusal_at("127.0.0.1:80,0.0.0.0"), HasSubstr("IP address"));
  EXPECT_THAT(refusal_at(""), HasSubstr("IP address"));
  EXPECT_THAT(refusal_at("192.0.2.1"), HasSubstr("Cannot assign"));
}

TEST(WebServer, SecretsThatAreNotThere) {
  MetricsConfig config = loopback();
  config.user = "ali";
  EXPECT_THAT(refusal(config, free_port()), HasSubstr("user and password_file together"));
  config.password_file = "/nonexistent/password";
  EXPECT_THAT(refusal(config, free_port()), HasSubstr("metrics.password_file"));
}

}  // namespace
}  // namespace lodestone
