#include "trainer/serve/batcher.h"

#include <algorithm>
#include <utility>

#include <ATen/ops/cat.h>

namespace lodestone::serve {

namespace {

std::exception_ptr overload(const char* what) {
  return std::make_exception_ptr(OverloadError(what));
}

}  // namespace

Batcher::Jobs Batcher::pieces(const std::shared_ptr<const Forward>& model, std::vector<Sample> samples,
                              std::chrono::steady_clock::time_point deadline) const {
  const auto workers = static_cast<size_t>(workers_), most = (samples.size() + workers - 1) / workers;
  Jobs jobs;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (i % most == 0) {
      jobs.push_back(std::make_unique<Job>());
      jobs.back()->model = model;
      jobs.back()->deadline = deadline;
    }
    jobs.back()->samples.push_back(std::move(samples[i]));
  }
  return jobs;
}

std::vector<std::future<at::Tensor>> Batcher::queue(Jobs jobs, int64_t rows) {
  std::vector<std::future<at::Tensor>> results;
  for (const auto& job : jobs) results.push_back(job->result.get_future());
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) throw OverloadError("serve: the service is being stopped");
    if (waiting_ + rows > waiting_rows_)
      throw OverloadError("serve: too many rows wait already; try again later");
    waiting_ += rows;
    for (auto& job : jobs) queue_.push_back(std::move(job));
  }
  more_.notify_all();
  return results;
}

at::Tensor Batcher::embed(const std::shared_ptr<const Forward>& model, std::vector<Sample> samples,
                          std::chrono::milliseconds patience) {
  const auto rows = static_cast<int64_t>(samples.size());
  const auto deadline = std::chrono::steady_clock::now() + patience;
  auto results = queue(pieces(model, std::move(samples), deadline), rows);
  std::vector<at::Tensor> z;
  for (auto& result : results) {
    if (result.wait_until(deadline) != std::future_status::ready)
      throw OverloadError("serve: the request waited too long; try again later");
    try {
      z.push_back(result.get());
    } catch (const std::future_error&) {  // the worker that held the piece has ended
      throw OverloadError("serve: the service is being stopped");
    }
  }
  return z.size() == 1 ? z.front() : at::cat(z);
}

Batcher::Jobs Batcher::next() {
  Jobs jobs;
  std::unique_lock lock(mutex_);
  more_.wait_for(lock, std::chrono::milliseconds(100), [this] { return !queue_.empty(); });
  const int64_t share = std::min(batch_rows_, (waiting_ + running_ + workers_ - 1) / workers_);
  int64_t taken = 0;
  while (!queue_.empty()) {
    const auto rows = static_cast<int64_t>(queue_.front()->samples.size());
    const bool late = queue_.front()->deadline < std::chrono::steady_clock::now();
    if (!late && taken > 0 && (taken + rows > share || queue_.front()->model != jobs.front()->model)) break;
    // The request of a late piece has given up.
    if (!late) jobs.push_back(std::move(queue_.front())), taken += rows;
    queue_.pop_front();
    waiting_ -= rows;
  }
  running_ += taken;
  return jobs;
}

void Batcher::embed_jobs(const Jobs& jobs) {
  try {
    std::vector<const Sample*> samples;
    for (const auto& job : jobs)
      for (const Sample& sample : job->samples) samples.push_back(&sample);
    const at::Tensor z_nD = (*jobs.front()->model)(samples);
    int64_t row = 0;
    for (const auto& job : jobs) {
      const auto rows = static_cast<int64_t>(job->samples.size());
      job->result.set_value(z_nD.narrow(0, row, rows).clone());
      job->answered = true;
      row += rows;
    }
  } catch (...) {
    for (const auto& job : jobs)
      if (!job->answered) job->result.set_exception(std::current_exception());
  }
}

void Batcher::run(const std::function<bool()>& stopped, const std::function<void(int64_t)>& batch) {
  try {
    while (!stopped() && !closed()) {
      const Jobs jobs = next();
      if (jobs.empty()) continue;
      int64_t rows = 0;
      for (const auto& job : jobs) rows += static_cast<int64_t>(job->samples.size());
      if (batch) batch(rows);
      embed_jobs(jobs);
      const std::scoped_lock lock(mutex_);
      running_ -= rows;
    }
  } catch (...) {
    // Otherwise the other workers would continue, and the caller that waits for
    // all of them would never return.
    close();
    throw;
  }
  close();
}

void Batcher::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  for (const auto& job : queue_) job->result.set_exception(overload("serve: the service is being stopped"));
  queue_.clear();
  waiting_ = 0;
}

bool Batcher::closed() const {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

int64_t Batcher::waiting() const {
  const std::scoped_lock lock(mutex_);
  return waiting_;
}

}  // namespace lodestone::serve
