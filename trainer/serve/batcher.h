#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/error.h"

namespace lodestone {

/// A picture's values_CHW or a text, ready for the encoder.
using Sample = std::variant<std::vector<float>, std::string>;

/// There is more to do than can be done in time: the client may try again later.
class OverloadError : public Error {
  using Error::Error;
};

/// Joins what many threads want embedded into batches, and shares them out among workers, each with a forward of its own at a time.
/// A worker that is done takes what waits at once, up to its share of all rows that wait or are under way: a single request never
/// waits for company, under load batches grow by themselves, and none leaves another worker without. A request of many rows is cut
/// into a piece for each worker.
/// Threads   embed() from any; run() from each worker's
class Batcher {
 public:
  /// n samples of any kinds to z_nD on the CPU.
  using Forward = std::function<at::Tensor(const std::vector<const Sample*>&)>;

  /// A forward takes at most `batch_rows` (or one piece that has more); beyond `waiting_rows` no more are taken in. `workers`: how
  /// many call run().
  Batcher(int64_t batch_rows, int64_t waiting_rows, int64_t workers = 1)
      : batch_rows_(batch_rows), waiting_rows_(waiting_rows), workers_(workers) {}

  /// Waits for the embeddings of `samples`, a row for each. Throws OverloadError if too many rows wait, or if the turn does not come
  /// within `patience`, or if a run() has ended; and what the forward threw.
  at::Tensor embed(std::vector<Sample> samples, std::chrono::milliseconds patience);

  /// Embeds until `stopped`, which is asked ten times a second at least, or until another run() has ended. Whoever still waits then gets
  /// an OverloadError. `batch` is told of the rows of each forward. Both are called by all workers; what they throw ends them all.
  void run(const Forward& forward, const std::function<bool()>& stopped,
           const std::function<void(int64_t rows)>& batch = {});

  int64_t waiting() const;

 private:
  struct Job {
    std::vector<Sample> samples;
    std::chrono::steady_clock::time_point deadline;
    std::promise<at::Tensor> result;
    bool answered = false;
  };
  using Jobs = std::vector<std::unique_ptr<Job>>;

  Jobs pieces(std::vector<Sample> samples, std::chrono::steady_clock::time_point deadline) const;
  std::vector<std::future<at::Tensor>> queue(Jobs jobs, int64_t rows);
  Jobs next();
  void close();
  bool closed() const;
  static void embed_jobs(const Jobs& jobs, const Forward& forward);

  const int64_t batch_rows_, waiting_rows_, workers_;
  mutable std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::unique_ptr<Job>> queue_;
  int64_t waiting_ = 0;  // rows in the queue
  int64_t running_ = 0;  // rows in forwards
  bool closed_ = false;
};

}  // namespace lodestone
