#include "trainer/http/http_server.h"

#include <fstream>
#include <set>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <fcntl.h>
#include <sodium.h>

#include "common/error.h"
#include "trainer/http/http_session.h"

namespace lodestone {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using PlainSession = HttpSession<tcp::socket>;
using SecretSession = HttpSession<asio::ssl::stream<tcp::socket>>;

// Beside the requests under way: those that are being sent, or idle. Clients beyond them wait to be let in.
constexpr size_t kMoreConnections = 64;

// Nobody is asked for the key's password on a terminal: the library would wait for it.
asio::ssl::context read_certificate(const HttpOptions& options) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  ::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.set_password_callback([](size_t, asio::ssl::context::password_purpose) { return std::string(); });
  try {
    context.use_certificate_chain_file(options.certificate);
    context.use_private_key_file(options.certificate, asio::ssl::context::pem);
  } catch (const boost::system::system_error& error) {
    throw ConfigError(
        "web server: expected a PEM file of a private key without a password and its certificate chain, got "
        "'" +
        options.certificate + "': " + error.code().message() + "; set " + options.settings);
  }
  return context;
}

tcp::endpoint place_of(const HttpOptions& options) {
  if (options.port < 0 || options.port > 65535)
    throw ConfigError("web server: expected a port up to 65535, got " + std::to_string(options.port) +
                      "; set " + options.settings);
  error_code code;
  const auto address = asio::ip::make_address(options.address, code);
  if (code)
    throw ConfigError("web server: expected an IP address such as 127.0.0.1 or 0.0.0.0, got '" +
                      options.address + "'; set " + options.settings);
  return {address, static_cast<unsigned short>(options.port)};
}

}  // namespace

struct HttpServer::Impl : HttpShared {
  using HttpShared::HttpShared;

  void listen();
  void accept();
  void take(tcp::socket socket);
  void run();
  void finish();

  int port = 0;
  std::optional<asio::ssl::context> tls;
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::set<std::shared_ptr<HttpConnection>> connections;
  bool full = false;
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread;
};

void HttpServer::Impl::listen() {
  const tcp::endpoint place = place_of(options);
  try {
    acceptor.open(place.protocol());
    ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(place);
    acceptor.listen();
    port = acceptor.local_endpoint().port();
  } catch (const boost::system::system_error& error) {
    throw ConfigError("web server: expected to serve at " + options.address + ":" +
                      std::to_string(options.port) + ", got: " + error.code().message() + "; set " +
                      options.settings);
  }
}

void HttpServer::Impl::accept() {
  full = connections.size() >= static_cast<size_t>(options.max_requests) + kMoreConnections;
  if (full || stopping) return;
  acceptor.async_accept([this](error_code code, tcp::socket socket) {
    if (stopping) return;
    if (!code) {
      take(std::move(socket));
      return accept();
    }
    // No descriptors left, perhaps: a little later there may be.
    pause.expires_after(std::chrono::milliseconds(100));
    pause.async_wait([this](error_code) { accept(); });
  });
}

void HttpServer::Impl::take(tcp::socket socket) {
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  std::shared_ptr<HttpConnection> made;
  if (tls)
    made = std::make_shared<SecretSession>(*this, std::move(socket), *tls);
  else
    made = std::make_shared<PlainSession>(*this, std::move(socket));
  connections.insert(made);
  made->start();
}

// What a connection throws, for want of memory, ends no server.
void HttpServer::Impl::run() {
  for (;;) try {
      io.run();
      return;
    } catch (const std::exception&) {
    }
}

void HttpServer::Impl::finish() {
  stopping = true;
  error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
  for (const auto& connection : connections) connection->stop();
  work.reset();
}

std::string read_secret(const std::string& file, const std::string& setting) {
  std::ifstream lines(file);
  std::string secret;
  if (std::getline(lines, secret) && secret.ends_with('\r')) secret.pop_back();
  if (secret.empty())
    throw ConfigError(setting + ": expected a file whose first line is the secret, got '" + file +
                      "', which has none or can't be read; write one, readable by its owner only");
  return secret;
}

HttpServer::HttpServer(HttpOptions options, Routes routes, Watch watch) {
  if (::sodium_init() < 0) throw Error("web server: libsodium can't be made ready");
  impl_ = std::make_unique<Impl>(std::move(options), std::move(routes), std::move(watch));
  Impl& own = *impl_;
  if (!own.options.certificate.empty()) own.tls = read_certificate(own.options);
  own.ended = [&own](HttpConnection* connection) {
    std::erase_if(own.connections, [&](const auto& kept) { return kept.get() == connection; });
    if (own.full) own.accept();
  };
  own.listen();
  own.accept();
  own.thread = std::thread([&own] { own.run(); });
}

HttpServer::~HttpServer() {
  asio::post(impl_->io, [this] { impl_->finish(); });
  impl_->thread.join();
  impl_->answering.join();
}

int HttpServer::port() const {
  return impl_->port;
}

}  // namespace lodestone
