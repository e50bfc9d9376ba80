#include "trainer/coordinator/metrics_server.h"

#include <algorithm>
#include <cstdlib>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/files.h"

namespace lodestone {
namespace {

using testing::HasSubstr;

const RunInfo kRun{"faces", "abc123", "mpi", 4};

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
  std::string get(const std::string& path) const {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(::send(fd_, request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
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

StepMetrics some_step() {
  StepMetrics metrics;
  metrics.step = 1;
  metrics.epoch = 2;
  metrics.samples = 64;
  metrics.loss = 0.5;
  metrics.learning_rate = 0.25;
  metrics.gradient_norm = 3;
  metrics.phases.load = 2;
  metrics.phases.backward = 0.02;
  for (const auto& field : kHealthFields) metrics.health.*field.member = 0.125;
  metrics.health.loss_parameters = {{"beta", 1.25}};
  return metrics;
}

void observe_all(MetricsServer& server) {
  server.step(some_step());
  server.evaluation({{"recall_at_1", 0.75}, {"map_at_r", 0.5}, {"eer", 0.03}, {"tar_at_far_0.1", 1}});
  server.checkpoint_saved(1.5, 1000);
  server.checkpoint_failed();
}

size_t series_in(const std::string& text) {
  size_t lines = 0;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) lines += text[at] != '#';
  return lines;
}

TEST(MetricsServer, ServesOverLoopback) {
  const int port = free_port();
  MetricsServer server({port, "127.0.0.1"}, kRun);
  EXPECT_EQ(server.port(), port);
  observe_all(server);
  const Socket socket;
  ASSERT_TRUE(socket.connect("127.0.0.1", port));
  const std::string answer = socket.get("/metrics");
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("text/plain"));
  EXPECT_THAT(answer, HasSubstr("\nlodestone_steps_total 1\n"));
  EXPECT_THAT(answer, HasSubstr("\nlodestone_samples_total 64\n"));
  EXPECT_THAT(answer, HasSubstr("\nlodestone_loss 0.5\n"));
  EXPECT_THAT(answer, HasSubstr("lodestone_step_duration_seconds_bucket{phase=\"backward\",le=\"0.03\"} 1"));
  EXPECT_THAT(answer, HasSubstr("\nlodestone_data_wait_seconds_total 2\n"));
  EXPECT_THAT(answer, HasSubstr("\nlodestone_hardest_negative_distance 0.125\n"));
  EXPECT_THAT(answer, HasSubstr("\nlodestone_effective_rank 0.125\n"));
  EXPECT_THAT(answer, HasSubstr("\nlodestone_memory_age_max 0.125\n"));
  EXPECT_THAT(answer, HasSubstr("\nlodestone_loss_parameter{name=\"beta\"} 1.25\n"));
  EXPECT_THAT(answer, HasSubstr("\nlodestone_recall_at_1 0.75\n"));
  EXPECT_THAT(answer, HasSubstr("\nlodestone_world_size 4\n"));
  EXPECT_THAT(answer, HasSubstr("\nlodestone_checkpoint_attempts_total 2\n"));
  EXPECT_THAT(answer, HasSubstr("\nlodestone_checkpoint_failures_total 1\n"));
  EXPECT_THAT(answer, HasSubstr("run=\"faces\""));
  EXPECT_THAT(answer, HasSubstr("lodestone_build_info{"));
  // The whole 127.0.0.0/8 is this host: the server is at one address of it only.
  EXPECT_FALSE(Socket().connect("127.0.0.2", port));
}

TEST(MetricsServer, IsOffWithoutPort) {
  for (const auto& port : {std::optional<int64_t>(), std::optional<int64_t>(0)}) {
    MetricsServer server({port, "not an address"}, kRun);
    EXPECT_EQ(server.port(), 0);
    observe_all(server);
    EXPECT_THAT(server.text(), HasSubstr("lodestone_steps_total 1"));
  }
}

std::string refusal(const MetricsConfig& config) {
  try {
    const MetricsServer server(config, kRun);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(MetricsServer, PortInUse) {
  const Socket taken;
  const int port = taken.listen();
  const std::string text = refusal({port, "127.0.0.1"});
  EXPECT_THAT(text, HasSubstr("127.0.0.1:" + std::to_string(port)));
  EXPECT_THAT(text, HasSubstr("Address already in use"));
  EXPECT_THAT(text, HasSubstr("metrics.port"));
}

TEST(MetricsServer, TwoServersDoNotShareAPort) {
  const int port = free_port();
  const MetricsServer first({port, "127.0.0.1"}, kRun);
  EXPECT_THAT(refusal({port, "127.0.0.1"}), HasSubstr("Address already in use"));
}

TEST(MetricsServer, AddressesThatAreNone) {
  EXPECT_THAT(refusal({9400, "localhost"}), HasSubstr("IP address"));
  EXPECT_THAT(refusal({9400, "127.0.0.1:80,0.0.0.0"}), HasSubstr("IP address"));
  EXPECT_THAT(refusal({9400, ""}), HasSubstr("IP address"));
  EXPECT_THAT(refusal({9400, "192.0.2.1"}), HasSubstr("Cannot assign"));
}

TEST(MetricsServer, NumberOfSeriesIsConstant) {
  MetricsServer server({}, kRun);
  observe_all(server);
  const size_t series = series_in(server.text());
  EXPECT_LE(series, 150U);
  RecordProperty("series", static_cast<int>(series));
  for (int i = 0; i < 1000; ++i) observe_all(server);
  EXPECT_EQ(series_in(server.text()), series);
}

TEST(MetricsServer, NothingIsSaidBeforeItIsKnown) {
  const MetricsServer server({}, kRun);
  EXPECT_THAT(server.text(), testing::Not(HasSubstr("lodestone_loss")));
  EXPECT_THAT(server.text(), testing::Not(HasSubstr("lodestone_memory_age")));
  EXPECT_THAT(server.text(), testing::Not(HasSubstr("last_success")));
}

TEST(MetricsServer, PrometheusLinterFindsNothing) {
  if (std::system("command -v promtool >/dev/null") != 0)
    GTEST_SKIP() << "promtool (package prometheus) is not installed";
  const int port = free_port();
  MetricsServer server({port, "127.0.0.1"}, kRun);
  observe_all(server);
  const TempFolder folder;
  write_file_synced(folder.path() / "metrics", server.text());
  const std::string command = "promtool check metrics < " + (folder.path() / "metrics").string();
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace lodestone
