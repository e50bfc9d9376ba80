#include "trainer/http/http_server.h"

#include <algorithm>
#include <optional>
#include <set>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <fcntl.h>
#include <sodium.h>

#include "common/error.h"
#include "trainer/http/certificate.h"
#include "trainer/http/http_session.h"

namespace lodestone::http {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using PlainSession = HttpSession<tcp::socket>;
using SecretSession = HttpSession<asio::ssl::stream<tcp::socket>>;

// Connections besides the requests in progress: those that are being received, or idle.
constexpr size_t kMoreConnections = 64;

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

// Identifies a client by its address; an IPv6 client commonly has 2^64 of them.
std::string address_of(const tcp::socket& socket) {
  error_code code;
  const asio::ip::address address = socket.remote_endpoint(code).address();
  if (code) return {};  // the client is gone already
  if (address.is_v4()) return address.to_string();
  const auto six = address.to_v6();
  if (six.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, six).to_string();
  const auto bytes = six.to_bytes();
  return {bytes.begin(), bytes.begin() + 8};
}

}  // namespace

struct HttpServer::Impl : HttpShared {
  using HttpShared::HttpShared;

  void listen();
  void accept();
  void admit(tcp::socket socket);
  bool take(tcp::socket& socket);
  bool give_up_oldest(const std::string* address);
  void give_up(const std::shared_ptr<HttpConnection>& connection);
  bool find_room(const HttpConnection& asking);
  size_t slots() const { return static_cast<size_t>(options.max_requests) + kMoreConnections; }
  size_t slots_of_address() const;
  void count();
  void run();
  void finish();

  int port = 0;
  std::optional<Certificate> certificate;
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::set<std::shared_ptr<HttpConnection>> connections;
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
  if (stopping) return;
  acceptor.async_accept([this](error_code code, tcp::socket socket) {
    if (stopping) return;
    if (!code) return admit(std::move(socket));
    // Perhaps no descriptors are left: tries again a little later.
    pause.expires_after(std::chrono::milliseconds(100));
    pause.async_wait([this](error_code) { accept(); });
  });
}

void HttpServer::Impl::admit(tcp::socket socket) {
  bool settled = true;
  try {
    settled = take(socket);
  } catch (const std::exception&) {  // out of memory; the next connection may succeed
  }
  if (settled) return accept();
  // All connections are being answered: tries again soon.
  pause.expires_after(std::chrono::milliseconds(10));
  pause.async_wait([this, socket = std::move(socket)](error_code) mutable {
    if (!stopping) admit(std::move(socket));
  });
}

// Turns the socket into a connection, possibly in place of another one, or lets it close. Returns false if
// the socket has to wait.
bool HttpServer::Impl::take(tcp::socket& socket) {
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  std::string address = address_of(socket);
  const auto own = std::count_if(connections.begin(), connections.end(),
                                 [&](const auto& connection) { return connection->address() == address; });
  if (static_cast<size_t>(own) >= slots_of_address() && !give_up_oldest(&address)) return true;
  if (connections.size() >= slots() && !give_up_oldest(nullptr)) return false;
  std::shared_ptr<HttpConnection> made;
  if (certificate)
    made = std::make_shared<SecretSession>(*this, std::move(address), std::move(socket),
                                           *certificate->current());
  else
    made = std::make_shared<PlainSession>(*this, std::move(address), std::move(socket));
  connections.insert(made);
  count();
  made->start();
  return true;
}

size_t HttpServer::Impl::slots_of_address() const {
  return options.max_per_address > 0 ? static_cast<size_t>(options.max_per_address)
                                     : slots() - kMoreConnections / 2;
}

// The connection to close for another one, of all or of one address.
bool HttpServer::Impl::give_up_oldest(const std::string* address) {
  std::shared_ptr<HttpConnection> oldest;
  for (const auto& connection : connections)
    if ((!address || connection->address() == *address) && connection->dispensable() &&
        (!oldest || connection->rank() < oldest->rank()))
      oldest = connection;
  if (!oldest) return false;
  give_up(oldest);
  return true;
}

void HttpServer::Impl::give_up(const std::shared_ptr<HttpConnection>& connection) {
  // Keeps it alive: the reference may be into the set.
  const std::shared_ptr<HttpConnection> kept = connection;
  connections.erase(kept);
  kept->drop();
}

bool HttpServer::Impl::find_room(const HttpConnection& asking) {
  while (received > options.max_bodies) {
    std::shared_ptr<HttpConnection> slowest;
    for (const auto& connection : connections)
      if (connection->phase() == HttpConnection::Phase::kReceives && connection->pace() > 0 &&
          (!slowest || connection->pace() < slowest->pace()))
        slowest = connection;
    if (!slowest || slowest.get() == &asking) return false;
    give_up(slowest);
  }
  return true;
}

void HttpServer::Impl::count() {
  crowded = 2 * connections.size() > slots();
}

// An exception of a connection, for lack of memory, does not end the server.
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

HttpServer::HttpServer(HttpOptions options, Routes routes, Watch watch) {
  if (::sodium_init() < 0) throw Error("web server: libsodium can't be initialised");
  impl_ = std::make_unique<Impl>(std::move(options), std::move(routes), std::move(watch));
  Impl& own = *impl_;
  if (!own.options.certificate.empty()) own.certificate.emplace(own.options);
  own.ended = [&own](HttpConnection* connection) {
    std::erase_if(own.connections, [&](const auto& kept) { return kept.get() == connection; });
    own.count();
  };
  own.make_room = [&own](const HttpConnection& asking) { return own.find_room(asking); };
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

}  // namespace lodestone::http
