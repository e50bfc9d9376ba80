#pragma once

// Internal to the web server.

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

namespace lodestone::http {

/// Threads that answer requests. One is started at construction; another is started whenever all are busy, up
/// to a limit, and stays.
class AnswerThreads {
 public:
  /// `most` is the largest number of threads.
  /// Throws    std::system_error if not even one can be started
  explicit AnswerThreads(size_t most);
  ~AnswerThreads() { join(); }

  /// Runs `work`, which must not throw, on one of the threads.
  /// Threads   call it from one thread only
  void post(std::function<void()> work);
  /// Waits for all posted work; nothing may be posted afterwards.
  void join();

 private:
  void start();

  const size_t most_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> more_{io_.get_executor()};
  std::atomic<size_t> busy_ = 0;  ///< work that was posted and is not finished
  std::vector<std::thread> threads_;
};

}  // namespace lodestone::http
