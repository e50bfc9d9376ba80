#include "trainer/http/certificate.h"

#include "common/error.h"
#include "common/files.h"

namespace lodestone::http {

namespace {

namespace ssl = boost::asio::ssl;

constexpr std::chrono::seconds kAgainAfter{5};
constexpr uint64_t kLargest = uint64_t{1} << 20;

// Every session has keys of its own: a stolen certificate key does not decrypt recorded traffic.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";  // TLS 1.2
constexpr const char* kSuites =
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";  // TLS 1.3

// Refuses to ask for the key's password, since the library would wait for a terminal.
std::shared_ptr<ssl::context> read_context(const std::string& file, const std::string& settings) {
  // By our own reader, which opens ordinary files alone: a FIFO would hold this thread for ever.
  std::string text;
  try {
    text = read_file(file, kLargest);
  } catch (const IoError&) {
    std::throw_with_nested(
        ConfigError("web server: expected a PEM file that can be read, got '" + file + "'; set " + settings));
  }
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* const own = context->native_handle();
  ::SSL_CTX_set_min_proto_version(own, TLS1_2_VERSION);
  ::SSL_CTX_set_options(own, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (::SSL_CTX_set_cipher_list(own, kCiphers) != 1 || ::SSL_CTX_set_ciphersuites(own, kSuites) != 1)
    throw Error("web server: the TLS library has no cipher with forward secrecy");
  context->set_password_callback([](size_t, ssl::context::password_purpose) { return std::string(); });
  try {
    const boost::asio::const_buffer pem = boost::asio::buffer(text);
    context->use_certificate_chain(pem);
    context->use_private_key(pem, ssl::context::pem);
  } catch (const boost::system::system_error& error) {
    throw ConfigError(
        "web server: expected a PEM file of a private key without a password and its certificate chain, got "
        "'" +
        file + "': " + error.code().message() + "; set " + settings);
  }
  return context;
}

bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

bool Certificate::Stamp::operator==(const Stamp& other) const {
  return number == other.number && size == other.size && same_time(written, other.written) &&
         same_time(changed, other.changed);
}

Certificate::Stamp Certificate::stamp() const {
  struct stat about {};
  if (::stat(file_.c_str(), &about) != 0) return {};
  return {about.st_ino, about.st_size, about.st_mtim, about.st_ctim};
}

Certificate::Certificate(const HttpOptions& options)
    : file_(options.certificate),
      settings_(options.certificate_setting),
      warn_(options.warn),
      seen_(stamp()),
      context_(read_context(file_, settings_)) {}

std::shared_ptr<ssl::context> Certificate::current() {
  const Stamp now = stamp();
  const auto time = std::chrono::steady_clock::now();
  const bool is_new = !(now == seen_);
  if (!is_new && (!again_ || time < *again_)) return context_;
  seen_ = now;
  again_.reset();
  try {
    context_ = read_context(file_, settings_);
  } catch (const std::exception& error) {
    again_ = time + kAgainAfter;  // the file may have been unreadable for lack of descriptors
    if (is_new && warn_) warn_(std::string(error.what()) + "; the certificate from before stays in use");
  }
  return context_;
}

}  // namespace lodestone::http
