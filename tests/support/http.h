#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/// An HTTP client for tests: it sends exactly the given bytes, valid or not.
namespace lodestone::testing {

struct HttpReply {
  int status = 0;  ///< 0: the server closed the connection without an answer
  std::string head, body;
};

class HttpClient {
 public:
  /// `own` is the client's address; null: the system's choice.
  explicit HttpClient(int port, const char* host = "127.0.0.1", const char* own = nullptr)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (own) {
      sockaddr_in from{};
      from.sin_family = AF_INET;
      ::inet_pton(AF_INET, own, &from.sin_addr);
      if (::bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0)
        throw std::runtime_error(std::string("cannot come from ") + own);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    ::inet_pton(AF_INET, host, &address.sin_addr);
    const timeval patience{30, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect");
  }
  ~HttpClient() { ::close(fd_); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void send(const std::string& bytes) const {
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<size_t>(n);
    }
  }
  /// Closes the sending direction.
  void end() const { ::shutdown(fd_, SHUT_WR); }
  /// Reads up to and including `mark`; false if the server closes the connection before.
  bool read_to(const std::string& mark) const {
    std::string all;
    for (char c; !all.ends_with(mark);)
      if (::recv(fd_, &c, 1, 0) != 1)
        return false;
      else
        all += c;
    return true;
  }
  /// Reads until the server closes the connection.
  HttpReply reply() const {
    std::string all;
    char piece[4096];
    for (ssize_t n; (n = ::recv(fd_, piece, sizeof piece, 0)) > 0;) all.append(piece, static_cast<size_t>(n));
    const size_t end = all.find("\r\n\r\n");
    if (end == std::string::npos) return {};
    const auto status = static_cast<int>(std::strtol(all.c_str() + all.find(' '), nullptr, 10));
    return {status, all.substr(0, end), all.substr(end + 4)};
  }

 private:
  int fd_;
};

/// A request that asks to close the connection after the answer.
inline std::string http_text(const std::string& method, const std::string& path, const std::string& body = "",
                             const std::string& more = "Content-Type: application/json\r\n") {
  return method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + more +
         (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" + body;
}

inline HttpReply http(int port, const std::string& text, const char* own = nullptr) {
  const HttpClient client(port, "127.0.0.1", own);
  client.send(text);
  return client.reply();
}

}  // namespace lodestone::testing
