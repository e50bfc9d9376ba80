#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

namespace lodestone::sampler {

/// Makes items 0, 1, 2, … by calling make(n, stop) in background threads, and returns them in order.
/// Memory    at most `depth` items, finished or in progress.
/// Requires  make is safe to call concurrently and returns early (anything) once `stop` is true.
/// Errors    an exception of make(n) is thrown by the next() for n and by every later one.
/// Threads   one caller at a time for next(); any thread for ready() and seconds_waited(). The destructor
///           joins the threads.
template <typename Item>
class Prefetcher {
 public:
  using Make = std::function<Item(int64_t n, const std::atomic<bool>& stop)>;

  Prefetcher(Make make, int64_t workers, int64_t depth) : make_(std::move(make)), depth_(depth) {
    for (int64_t w = 0; w < workers; ++w) threads_.emplace_back([this] { work(); });
  }

  ~Prefetcher() {
    {
      std::scoped_lock lock(mutex_);
      stop_ = true;
    }
    room_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  Item next() {
    std::unique_lock lock(mutex_);
    const auto begin = std::chrono::steady_clock::now();
    ready_changed_.wait(lock, [this] { return ready_.count(delivered_) > 0; });
    waited_ += std::chrono::steady_clock::now() - begin;
    auto found = ready_.find(delivered_);
    if (auto* error = std::get_if<std::exception_ptr>(&found->second)) std::rethrow_exception(*error);
    Item item = std::move(std::get<Item>(found->second));
    ready_.erase(found);
    ++delivered_;
    lock.unlock();
    room_.notify_one();
    return item;
  }

  /// Number of items that are ready.
  int64_t ready() const {
    std::scoped_lock lock(mutex_);
    return static_cast<int64_t>(ready_.size());
  }

  double seconds_waited() const {
    std::scoped_lock lock(mutex_);
    return std::chrono::duration<double>(waited_).count();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      room_.wait(lock, [this] { return stop_ || started_ < delivered_ + depth_; });
      if (stop_) return;
      const int64_t n = started_++;
      lock.unlock();
      std::variant<std::exception_ptr, Item> made;
      try {
        made = make_(n, stop_);
      } catch (...) {
        made = std::current_exception();
      }
      lock.lock();
      ready_.emplace(n, std::move(made));
      ready_changed_.notify_one();
    }
  }

  Make make_;
  const int64_t depth_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable ready_changed_;
  std::atomic<bool> stop_ = false;
  int64_t started_ = 0;    // items a worker has taken up
  int64_t delivered_ = 0;  // items next() has returned
  std::map<int64_t, std::variant<std::exception_ptr, Item>> ready_;
  std::chrono::steady_clock::duration waited_{};
  std::vector<std::thread> threads_;
};

}  // namespace lodestone::sampler
