#pragma once

// Internal to the web server.

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/http/error.hpp>

#include "trainer/http/answer_threads.h"
#include "trainer/http/http_rules.h"

namespace lodestone::http {

/// State shared by the connections of a server.
/// Threads   the thread that runs `io`, except `answering`
struct HttpShared {
  HttpShared(HttpOptions how, HttpServer::Routes where, HttpServer::Watch watcher)
      : options(std::move(how)), routes(std::move(where)), watch(std::move(watcher)) {}

  const HttpOptions options;
  const HttpServer::Routes routes;
  const HttpServer::Watch watch;
  boost::asio::io_context io{1};
  // More threads than max_requests, for open routes.
  AnswerThreads answering{static_cast<size_t>(options.max_requests) + 2};
  int under_way = 0;    ///< completely received requests that are not answered
  size_t received = 0;  ///< bytes of bodies that are being received or answered
  bool stopping = false;
  bool crowded = false;  ///< many connections: clients have less time for their heads
  std::function<void(class HttpConnection*)> ended;
  // Drops the slowest bodies until the others fit; false if `asking` is the slowest.
  std::function<bool(class HttpConnection& asking)> make_room;
};

/// A client's connection, over TCP or TLS.
class HttpConnection {
 public:
  using Clock = std::chrono::steady_clock;
  /// What the connection waits for. kIdle: a complete head, or the client to close; kReceives: a complete
  /// body; kSends: the client to receive the answer; kWorks: the answer.
  enum class Phase { kIdle, kReceives, kSends, kWorks };

  explicit HttpConnection(std::string address) : address_(std::move(address)) {}
  virtual ~HttpConnection() = default;
  virtual void start() = 0;
  /// Closes it after the answer in progress.
  virtual void stop() = 0;
  /// Closes it at once.
  virtual void drop() = 0;

  const std::string& address() const { return address_; }
  Phase phase() const { return phase_; }
  Clock::time_point since() const { return since_; }
  /// Whether it may be closed in favour of another connection; the one of the smallest rank() is
  /// closed first: those that have not sent a complete request before those that do not receive
  /// their answer, the oldest first.
  bool dispensable() const { return phase_ != Phase::kWorks; }
  auto rank() const { return std::pair(phase_ == Phase::kSends, since_); }
  /// Bytes of the body received per second.
  double pace() const {
    return static_cast<double>(received_) / std::chrono::duration<double>(Clock::now() - since_).count();
  }

 protected:
  void enter(Phase phase) {
    phase_ = phase;
    since_ = Clock::now();
  }

  size_t received_ = 0;  ///< bytes of the body that the server holds

 private:
  const std::string address_;  ///< address of the client
  Phase phase_ = Phase::kIdle;
  Clock::time_point since_ = Clock::now();  ///< start of the current phase
};

/// Reads a request, gets its answer, sends it, and repeats. Every wait has a deadline.
template <typename Stream>
class HttpSession : public HttpConnection, public std::enable_shared_from_this<HttpSession<Stream>> {
 public:
  template <typename... Args>
  HttpSession(HttpShared& shared, std::string address, Args&&... args)
      : HttpConnection(std::move(address)),
        shared_(shared),
        stream_(std::forward<Args>(args)...),
        deadline_(shared.io) {
    buffer_.reserve(2 * kHead);  // so that one read takes a head with a small body
  }

  void start() override {
    if constexpr (kEncrypted) {
      arm_for_head();
      stream_.async_handshake(boost::asio::ssl::stream_base::server, [self = self()](Code code) {
        if (code) return self->end();
        self->read_head();
      });
    } else {
      read_head();
    }
  }

  void stop() override {
    keep_ = false;
    if (!answering_) close();
  }
  void drop() override {
    give_back();
    close();
  }

 private:
  using Code = boost::system::error_code;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using HttpError = boost::beast::http::error;
  static constexpr bool kEncrypted = !std::is_same_v<Stream, boost::asio::ip::tcp::socket>;
  static constexpr size_t kHead = 8192;

  auto self() { return this->shared_from_this(); }
  boost::asio::ip::tcp::socket& socket() {
    if constexpr (kEncrypted)
      return stream_.next_layer();
    else
      return stream_;
  }

  // Cancels the pending operation when the client's time is up. The timer runs on while deadlines come and
  // go: each is only a number, unless it is earlier than what the timer waits for.
  void arm() { arm(shared_.options.patience); }
  void arm_for_head() { arm(shared_.crowded ? shared_.options.patience / 10 : shared_.options.patience); }
  void arm(std::chrono::milliseconds patience) {
    timed_out_ = false;
    due_ = Clock::now() + patience;
    if (!waits_until_ || *due_ < *waits_until_) wait_for_deadline();
  }
  void disarm() { due_.reset(); }
  void wait_for_deadline() {
    waits_until_ = due_;
    deadline_.expires_at(*due_);
    deadline_.async_wait([self = self()](Code code) {
      if (code == boost::asio::error::operation_aborted) return;  // an earlier one came, or the end
      self->waits_until_.reset();
      if (!self->due_) return;
      if (Clock::now() < *self->due_) return self->wait_for_deadline();
      self->due_.reset();
      self->timed_out_ = true;
      Code ignored;
      self->socket().cancel(ignored);
    });
  }

  void read_head() {
    if (shared_.stopping) return end();
    answering_ = false;
    enter(Phase::kIdle);
    parser_.emplace();
    parser_->header_limit(kHead);
    parser_->body_limit(std::numeric_limits<uint64_t>::max());  ///< the rules check the length of the body
    arm_for_head();
    boost::beast::http::async_read_header(stream_, buffer_, *parser_,
                                          [self = self()](Code code, size_t) { self->head_came(code); });
  }

  void head_came(Code code) {
    disarm();
    enter(Phase::kReceives);
    start_ = Clock::now();
    route_ = nullptr;
    keep_ = false;
    if (timed_out_ && parser_->got_some()) return refuse(408, "the request did not come in time");
    if (code == HttpError::header_limit || code == HttpError::buffer_overflow)
      return refuse(431, "the headers are too large");
    if (code == HttpError::end_of_stream || code == HttpError::partial_message || timed_out_) return end();
    if (code) return is_http(code) ? refuse(400, "this is no HTTP request") : end();
    const HttpHead& head = parser_->get();
    route_ = shared_.routes(path_of(head));
    std::optional<size_t> length = parser_->chunked() ? std::nullopt : std::optional<size_t>(0);
    if (const auto given = parser_->content_length(); length && given) length = static_cast<size_t>(*given);
    if (auto refused = refusal(head, length, route_, shared_.options)) return send(std::move(*refused));
    if (!has_place()) return refuse_for_now();
    keep_ = parser_->keep_alive();
    if (*length == 0) return answer();
    if (boost::beast::iequals(head[boost::beast::http::field::expect], "100-continue"))
      return send_continue();
    read_body();
  }

  static bool is_http(Code code) {
    return code.category() == make_error_code(HttpError::bad_method).category();
  }

  bool needs_place() const { return !route_->open && !route_->always; }
  bool has_place() const { return !needs_place() || shared_.under_way < shared_.options.max_requests; }
  void refuse(int status, const char* what) { send(error_answer(route_, status, what)); }
  void refuse_for_now() { refuse(503, "too many requests at once; try again later"); }

  void send_continue() {
    arm();
    response_.emplace(boost::beast::http::status::continue_, 11);
    boost::beast::http::async_write(stream_, *response_, [self = self()](Code code, size_t) {
      if (code) return self->end();
      self->read_body();
    });
  }

  // A body takes the memory of its received bytes but no place among the requests in progress, so that a slow
  // client does not keep others from being answered.
  void read_body() {
    arm();
    parser_->eager(true);
    read_some_body();
  }
  void read_some_body() {
    boost::beast::http::async_read_some(stream_, buffer_, *parser_,
                                        [self = self()](Code code, size_t) { self->body_came(code); });
  }
  void body_came(Code code) {
    if (code || timed_out_) {
      disarm();
      keep_ = false;
      return timed_out_ ? refuse(408, "the body did not come in time") : end();
    }
    const size_t size = parser_->get().body().size();
    shared_.received += size - received_;
    received_ = size;
    if (shared_.received > shared_.options.max_bodies && !shared_.make_room(*this)) {
      disarm();
      return refuse_for_now();
    }
    if (!parser_->is_done()) return read_some_body();
    disarm();
    has_place() ? answer() : refuse_for_now();
  }

  // On another thread, since it may take long, unless the route takes it at once.
  void answer() {
    answering_ = true;
    enter(Phase::kWorks);
    if (needs_place()) placed_ = true, ++shared_.under_way;
    HttpDone done = [self = self(), work = boost::asio::make_work_guard(shared_.io)](HttpAnswer made) {
      boost::asio::post(self->shared_.io,
                        [self, made = std::move(made)]() mutable { self->send(std::move(made)); });
    };
    std::string body = std::move(parser_->get().body());
    if (begin_at_once(*route_, parser_->get(), body, done)) return;
    shared_.answering.post([self = self(), body = std::move(body), done = std::move(done)]() mutable {
      begin_answer(*self->route_, self->parser_->get(), std::move(body), done);
    });
  }

  void send(HttpAnswer answer) {
    answering_ = true;
    enter(Phase::kSends);
    give_back();
    const HttpHead& head = parser_->get();
    if (shared_.watch)
      shared_.watch(route_ ? path_of(head) : "other", answer.status,
                    std::chrono::duration<double>(Clock::now() - start_).count());
    // The rest of a refused body is not read: the connection closes.
    keep_ = keep_ && answer.status < 400 && !shared_.stopping;
    response_.emplace(response_of(std::move(answer), head, keep_, shared_.options));
    arm();
    boost::beast::http::async_write(stream_, *response_, [self = self()](Code code, size_t) {
      if (code) return self->end();
      self->keep_ ? self->read_head() : self->say_goodbye();
    });
  }

  void say_goodbye() {
    answering_ = false;
    enter(Phase::kIdle);
    if (shared_.stopping) return end();
    if constexpr (kEncrypted) {
      arm();
      stream_.async_shutdown([self = self()](Code) { self->hang_up(); });
    } else {
      hang_up();
    }
  }

  // Closing a socket with unread data resets the connection, and the client may lose the answer.
  void hang_up() {
    Code ignored;
    socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    arm();
    discard();
  }
  void discard() {
    buffer_.clear();
    socket().async_read_some(buffer_.prepare(kHead),
                             [self = self()](Code code, size_t) { code ? self->end() : self->discard(); });
  }

  void close() {
    disarm();
    deadline_.cancel();
    Code ignored;
    socket().close(ignored);
  }
  void end() {
    give_back();
    close();
    if (!std::exchange(ended_, true)) shared_.ended(this);
  }

  // Releases its share of the server's limits.
  void give_back() {
    if (std::exchange(placed_, false)) --shared_.under_way;
    shared_.received -= std::exchange(received_, 0);
  }

  HttpShared& shared_;
  Stream stream_;
  boost::asio::steady_timer deadline_;
  boost::beast::flat_buffer buffer_{2 * kHead};
  std::optional<Parser> parser_;
  std::optional<HttpResponse> response_;
  const HttpRoute* route_ = nullptr;
  Clock::time_point start_;
  std::optional<Clock::time_point> due_;          ///< deadline of the pending operation
  std::optional<Clock::time_point> waits_until_;  ///< when the timer looks at it
  bool timed_out_ = false, keep_ = false, answering_ = false, placed_ = false, ended_ = false;
};

}  // namespace lodestone::http
