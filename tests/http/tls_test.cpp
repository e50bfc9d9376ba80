// The server over TLS, with keys that openssl makes and curl as the client.
#include <chrono>
#include <cstdlib>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "http/served.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

bool shell(const std::string& command) {
  return std::system(command.c_str()) == 0;
}

class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!shell("command -v openssl >/dev/null && command -v curl >/dev/null"))
      GTEST_SKIP() << "openssl and curl are not installed";
    ASSERT_TRUE(shell(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext "
        "subjectAltName=IP:127.0.0.1 -keyout " +
        pem_ + ".key -out " + pem_ + ".crt 2>/dev/null && cat " + pem_ + ".key " + pem_ + ".crt >" + pem_));
    HttpOptions options;
    options.certificate = pem_;
    options.authorization = basic_authorization("ali", "open sesame");
    options.patience = std::chrono::milliseconds(1000);
    server_.emplace(options);
    url_ = " https://127.0.0.1:" + std::to_string(server_->port());
  }

  const TempFolder folder_;
  const std::string pem_ = (folder_.path() / "server.pem").string();
  const std::string curl_ = "curl -sf --max-time 10 --cacert " + pem_ + ".crt ";
  std::string url_;
  std::optional<Server> server_;
};

TEST_F(Tls, AnswersWhoTrustsItsCertificate) {
  EXPECT_TRUE(shell(curl_ + "-u 'ali:open sesame'" + url_ + "/page | grep -qx 'a page'"));
  EXPECT_TRUE(shell(curl_ + "-u 'ali:open sesame' -H 'Content-Type: application/json' -d '[1]'" + url_ +
                    "/echo | grep -qx '\\[1\\]'"));
  EXPECT_TRUE(shell(curl_ + url_ + "/open" + url_ + "/open >/dev/null"));  // twice by one connection
  EXPECT_FALSE(shell(curl_ + url_ + "/page >/dev/null"));
  EXPECT_FALSE(shell("curl -sf --max-time 10" + url_ + "/open >/dev/null 2>&1"));  // who signed it?
}

TEST_F(Tls, AnswersNobodyInTheClearOrByOldProtocols) {
  EXPECT_FALSE(shell("curl -sf --max-time 10 --tls-max 1.1 -k" + url_ + "/open >/dev/null"));
  EXPECT_TRUE(shell("curl -sf --max-time 10 --tls-max 1.2 -k" + url_ + "/open >/dev/null"));
  EXPECT_EQ(server_->ask("GET", "/open").status, 0);
}

TEST_F(Tls, ASilentHandshakeLosesItsTurn) {
  const auto start = Clock::now();
  const HttpClient silent(server_->port());
  EXPECT_EQ(silent.reply().status, 0);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(10));
  EXPECT_TRUE(shell(curl_ + url_ + "/open >/dev/null"));
}

TEST(TlsCertificate, ThatIsNoneIsNamed) {
  const TempFolder folder;
  HttpOptions options;
  options.certificate = (folder.path() / "server.pem").string();
  EXPECT_THAT(refusal(options), HasSubstr("server.pem"));
  write_file_synced(options.certificate,
                    "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
  EXPECT_THAT(refusal(options), HasSubstr("PEM file"));
}

}  // namespace
}  // namespace lodestone::testing
