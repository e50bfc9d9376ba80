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

namespace lodestone::serve {

/// An image's values_CHW, or a text, ready for the encoder.
using Sample = std::variant<std::vector<float>, std::string>;

/// There is more work than can be done in time; the client may retry later.
class OverloadError : public Error {
  using Error::Error;
};

/// Combines the samples of many concurrent requests into batches for workers that each run one forward pass
/// at a time. An idle worker immediately takes waiting samples, up to its share of all rows that are waiting
/// or being embedded. A single request therefore never waits for others, batches grow under load, and no
/// worker is left idle. A request of many rows is split into one piece per worker. Samples of different
/// models are never in one batch.
/// Threads   embed() from any thread; run() from each worker's thread
class Batcher {
 public:
  /// A model: embeds n samples of any kinds and returns z_nD on the CPU.
  using Forward = std::function<at::Tensor(const std::vector<const Sample*>&)>;

  /// A forward pass takes at most `batch_rows`, or one piece that is larger; requests beyond `waiting_rows`
  /// waiting rows are refused. `workers` is the number of threads that call run().
  Batcher(int64_t batch_rows, int64_t waiting_rows, int64_t workers = 1)
      : batch_rows_(batch_rows), waiting_rows_(waiting_rows), workers_(workers) {}

  /// Waits for the embeddings of `samples` by `model`, one row each. Rethrows an exception of the model.
  /// Throws    OverloadError if too many rows are waiting, if the result is not there within `patience`, or
  ///           if a run() has ended
  at::Tensor embed(const std::shared_ptr<const Forward>& model, std::vector<Sample> samples,
                   std::chrono::milliseconds patience);

  /// Embeds until `stopped` returns true, which is called at least ten times a second, or until another run()
  /// ends. Requests that are still waiting then fail with OverloadError. `batch` receives the rows of each
  /// forward pass. All workers call `stopped` and `batch`; an exception of either ends all workers.
  void run(const std::function<bool()>& stopped, const std::function<void(int64_t rows)>& batch = {});

  int64_t waiting() const;

 private:
  struct Job {
    std::shared_ptr<const Forward> model;
    std::vector<Sample> samples;
    std::chrono::steady_clock::time_point deadline;
    std::promise<at::Tensor> result;
    bool answered = false;
  };
  using Jobs = std::vector<std::unique_ptr<Job>>;

  Jobs pieces(const std::shared_ptr<const Forward>& model, std::vector<Sample> samples,
              std::chrono::steady_clock::time_point deadline) const;
  std::vector<std::future<at::Tensor>> queue(Jobs jobs, int64_t rows);
  Jobs next();
  void close();
  bool closed() const;
  static void embed_jobs(const Jobs& jobs);

  const int64_t batch_rows_, waiting_rows_, workers_;
  mutable std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::unique_ptr<Job>> queue_;
  int64_t waiting_ = 0;  ///< rows in the queue
  int64_t running_ = 0;  ///< rows in forward passes
  bool closed_ = false;
};

}  // namespace lodestone::serve
