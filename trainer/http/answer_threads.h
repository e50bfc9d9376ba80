#pragma once

// Internal to the web server.

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

namespace lodestone {

/// Threads that answer requests: the first is there from the beginning, each other is started when those before it are busy, and stays.
class AnswerThreads {
 public:
  /// Throws std::system_error if not even one can be started.
  explicit AnswerThreads(size_t most);
  ~AnswerThreads() { join(); }

  /// Has `work` done by one of them; it throws nothing. Threads: from one only.
  void post(std::function<void()> work);
  /// Waits for all that was posted; none may be posted after it.
  void join();

 private:
  void start();

  const size_t most_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> more_{io_.get_executor()};
  std::atomic<size_t> busy_ = 0;  // works that were posted and are not done
  std::vector<std::thread> threads_;
};

}  // namespace lodestone
