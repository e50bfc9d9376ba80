// The server over TLS, with keys that openssl makes and curl as the client.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/files.h"
#include "http/served.h"
#include "support/half_open.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

bool shell(const std::string& command) {
  return std::system(command.c_str()) == 0;
}

// One of its own, with its certificate beside it as *.crt.
bool make_certificate(const std::string& pem) {
  return shell(
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext "
      "subjectAltName=IP:127.0.0.1 -keyout " +
      pem + ".key -out " + pem + ".crt 2>/dev/null && cat " + pem + ".key " + pem + ".crt >" + pem);
}

class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!shell("command -v openssl >/dev/null && command -v curl >/dev/null"))
      GTEST_SKIP() << "openssl and curl are not installed";
    ASSERT_TRUE(make_certificate(pem_));
    HttpOptions options;
    options.certificate = pem_;
    options.authorization = basic_authorization("ali", "open sesame");
    options.patience = std::chrono::seconds(1);
    options.warn = [this](const std::string& sentence) {
      const std::scoped_lock lock(mutex_);
      warnings_.push_back(sentence);
    };
    serve(options);
  }
  void serve(const HttpOptions& options) {
    server_.emplace(options);
    url_ = " https://127.0.0.1:" + std::to_string(server_->port());
  }

  bool trusted_by(const std::string& certificate) const {
    return shell("curl -sf --max-time 10 --cacert " + certificate + url_ + "/open >/dev/null");
  }
  std::vector<std::string> warnings() {
    const std::scoped_lock lock(mutex_);
    return warnings_;
  }

  std::mutex mutex_;
  std::vector<std::string> warnings_;
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

TEST_F(Tls, AgreesOnCiphersWithForwardSecrecyOnly) {
  const auto agrees = [this](const char* cipher) {
    return shell("curl -sf --max-time 10 -k --tls-max 1.2 --ciphers " + std::string(cipher) + url_ +
                 "/open >/dev/null");
  };
  for (const char* cipher :
       {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"})
    EXPECT_TRUE(agrees(cipher)) << cipher;
  for (const char* cipher :
       {"AES128-SHA", "AES256-SHA256", "AES128-GCM-SHA256", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA"})
    EXPECT_FALSE(agrees(cipher)) << cipher;
  EXPECT_TRUE(shell("curl -sf --max-time 10 -k --tlsv1.3" + url_ + "/open >/dev/null"));
}

TEST_F(Tls, ShowsTheCertificateThatIsInItsFileNow) {
  const std::string next = (folder_.path() / "next.pem").string();
  ASSERT_TRUE(make_certificate(next));
  EXPECT_TRUE(trusted_by(pem_ + ".crt"));
  ASSERT_TRUE(shell("mv " + next + " " + pem_));
  EXPECT_TRUE(trusted_by(next + ".crt"));
  EXPECT_FALSE(trusted_by(pem_ + ".crt"));
  ASSERT_TRUE(
      shell("cat " + pem_ + ".key " + pem_ + ".crt >" + pem_));  // in place, and of the same size perhaps
  EXPECT_TRUE(trusted_by(pem_ + ".crt"));
  EXPECT_EQ(warnings(), std::vector<std::string>());
}

// As Kubernetes renews a secret: the name stays, the link behind it changes.
TEST_F(Tls, FollowsALinkThatIsTurned) {
  const std::string next = (folder_.path() / "next.pem").string(),
                    here = (folder_.path() / "tls.pem").string();
  ASSERT_TRUE(make_certificate(next));
  std::filesystem::create_symlink(pem_, here);
  HttpOptions options;
  options.certificate = here;
  serve(options);
  EXPECT_TRUE(trusted_by(pem_ + ".crt"));
  ASSERT_TRUE(shell("ln -sfn " + next + " " + here));
  EXPECT_TRUE(trusted_by(next + ".crt"));
}

TEST_F(Tls, KeepsTheCertificateThatWorked) {
  const std::string next = (folder_.path() / "next.pem").string();
  ASSERT_TRUE(make_certificate(next));
  for (const std::string& broken :
       {"echo nonsense >" + pem_, "rm " + pem_, "cat " + next + ".key " + pem_ + ".crt >" + pem_,
        "cat " + next + ".crt >" + pem_, "rm " + pem_ + " && mkfifo " + pem_,
        "mkdir -p " + pem_ + ".d && ln -sfn " + pem_ + ".d " + pem_}) {
    const size_t before = warnings().size();
    ASSERT_TRUE(shell(broken)) << broken;
    EXPECT_TRUE(trusted_by(pem_ + ".crt")) << broken;
    EXPECT_TRUE(trusted_by(pem_ + ".crt")) << broken;
    ASSERT_EQ(warnings().size(), before + 1) << broken;  // once
    EXPECT_THAT(warnings().back(), HasSubstr("the certificate from before stays in use")) << broken;
    ASSERT_TRUE(shell("rm -rf " + pem_));
    ASSERT_TRUE(shell("cat " + pem_ + ".key " + pem_ + ".crt >" + pem_));
    EXPECT_TRUE(trusted_by(pem_ + ".crt")) << broken;
  }
}

TEST_F(Tls, ASilentHandshakeLosesItsTurn) {
  const auto start = Clock::now();
  const HttpClient silent(server_->port());
  EXPECT_EQ(silent.reply().status, 0);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(10));
  EXPECT_TRUE(shell(curl_ + url_ + "/open >/dev/null"));
}

TEST_F(Tls, SilentHandshakesKeepNobodyOut) {
  HttpOptions options;
  options.certificate = pem_;
  options.patience = std::chrono::minutes(1);
  serve(options);
  const HalfOpen silent(server_->port(), 200, {"127.0.0.1"}, "\x16\x03\x01");
  const auto start = Clock::now();
  EXPECT_TRUE(trusted_by(pem_ + ".crt"));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));  // curl's own start, and the handshake
}

TEST(TlsCertificate, ThatIsNoneIsNamed) {
  const TempFolder folder;
  HttpOptions options;
  options.certificate = (folder.path() / "server.pem").string();
  EXPECT_THAT(refusal(options), HasSubstr("server.pem"));
  write_file_synced(options.certificate,
                    "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
  EXPECT_THAT(refusal(options), HasSubstr("PEM file"));
  // Opened, it would hold the server until somebody writes.
  options.certificate = (folder.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(options.certificate.c_str(), 0600), 0);
  EXPECT_THAT(refusal(options), HasSubstr("PEM file that can be read"));
}

}  // namespace
}  // namespace lodestone::testing
