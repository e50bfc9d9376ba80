#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/error.h"

namespace lodestone::serve {

/// An image's values_CHW, a text, or its token ids, ready for the encoder.
using Sample = std::variant<std::vector<float>, std::string, std::vector<int64_t>>;

/// There is more work than can be done in time; the client may retry later.
class OverloadError : public Error {
  using Error::Error;
};

/// Combines the samples of many concurrent requests into batches for workers that each run one forward pass
/// at a time. An idle worker immediately takes waiting samples, up to its share of all rows that are waiting
/// or being embedded. A single request therefore never waits for others, batches grow under load, and no
/// worker is left idle. A request of many rows is split into one piece per worker. Samples of different
/// models are never in one batch.
/// Threads   embed() and submit() from any thread; run() from each worker's thread
class Batcher {
 public:
  /// A model: embeds n samples of any kinds and returns z_nD on the CPU.
  using Forward = std::function<at::Tensor(const std::vector<const Sample*>&)>;
  using Deadline = std::chrono::steady_clock::time_point;
  /// Receives z_nD, or the exception in its place. It must not throw.
  using Done = std::function<void(const at::Tensor& z_nD, const std::exception_ptr& error)>;

  /// A forward pass takes at most `batch_rows`, or one piece that is larger; requests beyond `waiting_rows`
  /// waiting rows are refused. `workers` is the number of threads that call run().
  Batcher(int64_t batch_rows, int64_t waiting_rows, int64_t workers = 1)
      : batch_rows_(batch_rows), waiting_rows_(waiting_rows), workers_(workers) {}

  /// Embeds `samples` by `model`, one row each, and calls `done` once, on a worker's thread, or on the thread
  /// that closes the batcher. After `deadline` no forward pass for them begins; `done` gets OverloadError.
  /// Throws    OverloadError, without calling `done`, if too many rows are waiting or a run() has ended
  void submit(const std::shared_ptr<const Forward>& model, std::vector<Sample> samples, Deadline deadline,
              Done done);

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
  /// A request, or a piece of one. It is answered when it dies at the latest.
  struct Job {
    Job(std::shared_ptr<const Forward> by, Deadline until) : model(std::move(by)), deadline(until) {}
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    ~Job();
    void answer(const at::Tensor& z_nD, const std::exception_ptr& error);

    const std::shared_ptr<const Forward> model;
    const Deadline deadline;
    std::vector<Sample> samples;
    Done done;  ///< empty: answered
  };
  using Jobs = std::vector<std::unique_ptr<Job>>;

  Jobs pieces(const std::shared_ptr<const Forward>& model, std::vector<Sample> samples, Deadline deadline,
              Done done) const;
  static void join_pieces(const Jobs& jobs, Done done);
  Jobs next();
  Jobs take(Jobs& late);
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
