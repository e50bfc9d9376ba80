#include "trainer/serve/batcher.h"

#include <algorithm>
#include <future>
#include <utility>

#include <ATen/ops/cat.h>

namespace lodestone::serve {

namespace {

std::exception_ptr overload(const char* what) {
  return std::make_exception_ptr(OverloadError(what));
}

}  // namespace

Batcher::Job::~Job() {
  if (done) answer({}, overload("serve: the service is being stopped"));
}

void Batcher::Job::answer(const at::Tensor& z_nD, const std::exception_ptr& error) {
  std::exchange(done, nullptr)(z_nD, error);
}

Batcher::Jobs Batcher::pieces(const std::shared_ptr<const Forward>& model, std::vector<Sample> samples,
                              Deadline deadline, Done done) const {
  const auto workers = static_cast<size_t>(workers_), most = (samples.size() + workers - 1) / workers;
  Jobs jobs;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (i % most == 0) jobs.push_back(std::make_unique<Job>(model, deadline));
    jobs.back()->samples.push_back(std::move(samples[i]));
  }
  if (jobs.size() == 1)
    jobs.front()->done = std::move(done);
  else
    join_pieces(jobs, std::move(done));
  return jobs;
}

// Calls `done` when the last piece is answered: with all rows, or with the first error.
void Batcher::join_pieces(const Jobs& jobs, Done done) {
  struct Whole {
    std::mutex mutex;
    std::vector<at::Tensor> parts;
    size_t left;
    std::exception_ptr error;
    Done done;
  };
  const auto whole = std::make_shared<Whole>();
  whole->parts.resize(jobs.size());
  whole->left = jobs.size();
  whole->done = std::move(done);
  for (size_t i = 0; i < jobs.size(); ++i)
    jobs[i]->done = [whole, i](const at::Tensor& z_nD, const std::exception_ptr& error) {
      {
        const std::scoped_lock lock(whole->mutex);
        whole->parts[i] = z_nD;
        if (error && !whole->error) whole->error = error;
        if (--whole->left > 0) return;
      }
      whole->done(whole->error ? at::Tensor() : at::cat(whole->parts), whole->error);
    };
}

void Batcher::submit(const std::shared_ptr<const Forward>& model, std::vector<Sample> samples,
                     Deadline deadline, Done done) {
  const auto rows = static_cast<int64_t>(samples.size());
  Jobs jobs = pieces(model, std::move(samples), deadline, std::move(done));
  {
    const std::scoped_lock lock(mutex_);
    if (closed_ || waiting_ + rows > waiting_rows_) {
      for (const auto& job : jobs) job->done = nullptr;
      throw OverloadError(closed_ ? "serve: the service is being stopped"
                                  : "serve: too many rows wait already; try again later");
    }
    waiting_ += rows;
    for (auto& job : jobs) queue_.push_back(std::move(job));
  }
  more_.notify_all();
}

at::Tensor Batcher::embed(const std::shared_ptr<const Forward>& model, std::vector<Sample> samples,
                          std::chrono::milliseconds patience) {
  const Deadline deadline = std::chrono::steady_clock::now() + patience;
  const auto result = std::make_shared<std::promise<at::Tensor>>();
  std::future<at::Tensor> future = result->get_future();
  submit(model, std::move(samples), deadline,
         [result](const at::Tensor& z_nD, const std::exception_ptr& error) {
           error ? result->set_exception(error) : result->set_value(z_nD);
         });
  if (future.wait_until(deadline) != std::future_status::ready)
    throw OverloadError("serve: the request waited too long; try again later");
  return future.get();
}

Batcher::Jobs Batcher::next() {
  Jobs late, jobs = take(late);
  for (const auto& job : late)
    job->answer({}, overload("serve: the request waited too long; try again later"));
  return jobs;
}

Batcher::Jobs Batcher::take(Jobs& late) {
  Jobs jobs;
  std::unique_lock lock(mutex_);
  more_.wait_for(lock, std::chrono::milliseconds(100), [this] { return !queue_.empty(); });
  const int64_t share = std::min(batch_rows_, (waiting_ + running_ + workers_ - 1) / workers_);
  const auto now = std::chrono::steady_clock::now();
  int64_t taken = 0;
  while (!queue_.empty()) {
    std::unique_ptr<Job>& first = queue_.front();
    const auto rows = static_cast<int64_t>(first->samples.size());
    const bool in_time = first->deadline >= now;
    if (in_time && taken > 0 && (taken + rows > share || first->model != jobs.front()->model)) break;
    (in_time ? jobs : late).push_back(std::move(first));
    queue_.pop_front();
    taken += in_time ? rows : 0;
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
      job->answer(z_nD.narrow(0, row, rows), {});
      row += rows;
    }
  } catch (...) {
    for (const auto& job : jobs)
      if (job->done) job->answer({}, std::current_exception());
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
  std::deque<std::unique_ptr<Job>> rest;
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  rest.swap(queue_);  // answered as they die, outside the lock
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
