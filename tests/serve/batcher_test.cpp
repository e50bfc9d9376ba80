#include "trainer/serve/batcher.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

namespace lodestone {
using namespace serve;
namespace {

using namespace std::chrono_literals;

// One number of each text: its length.
at::Tensor lengths(const std::vector<const Sample*>& samples) {
  std::vector<float> values;
  for (const Sample* sample : samples)
    values.push_back(static_cast<float>(std::get<std::string>(*sample).size()));
  return at::tensor(values).view({-1, 1});
}

using Model = std::shared_ptr<const Batcher::Forward>;

Model made(Batcher::Forward forward) {
  return std::make_shared<const Batcher::Forward>(std::move(forward));
}

const Model kLengths = made(lengths);

std::vector<Sample> texts(std::initializer_list<size_t> sizes) {
  std::vector<Sample> samples;
  for (const size_t size : sizes) samples.emplace_back(std::string(size, 'x'));
  return samples;
}

/// A batcher at work until the object dies.
class Working {
 public:
  explicit Working(Batcher& batcher)
      : thread_([this, &batcher] {
          batcher.run([this] { return stop_.load(); },
                      [this](int64_t rows) { largest = std::max(largest.load(), rows); });
        }) {}
  ~Working() { end(); }
  void end() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::atomic<int64_t> largest = 0;

 private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

void wait_for_rows(const Batcher& batcher, int64_t rows) {
  while (batcher.waiting() < rows) std::this_thread::yield();
}

TEST(Batcher, GivesEachCallerItsRows) {
  Batcher batcher(8, 1000);
  Working working(batcher);
  std::vector<std::thread> callers;
  std::atomic<int> right = 0;
  for (size_t c = 0; c < 16; ++c)
    callers.emplace_back([&, c] {
      for (size_t i = 0; i < 20; ++i) {
        const at::Tensor z = batcher.embed(kLengths, texts({c, i}), 30s);
        right += z.size(0) == 2 && z[0].item<float>() == static_cast<float>(c) &&
                 z[1].item<float>() == static_cast<float>(i);
      }
    });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(right, 16 * 20);
  EXPECT_LE(working.largest, 8);
}

TEST(Batcher, JoinsWhatWaitsButKeepsToItsSize) {
  Batcher batcher(4, 1000);
  std::promise<void> first_began, may_continue;
  std::vector<int64_t> forwards;
  const Model model = made([&](const auto& samples) {
    if (forwards.empty()) {
      first_began.set_value();
      may_continue.get_future().wait();
    }
    forwards.push_back(static_cast<int64_t>(samples.size()));
    return lengths(samples);
  });
  Working working(batcher);
  const auto ask = [&](std::initializer_list<size_t> sizes) {
    return std::async(std::launch::async,
                      [&, samples = texts(sizes)] { return batcher.embed(model, samples, 30s); });
  };
  auto first = ask({1});
  first_began.get_future().wait();
  auto a = ask({1, 2, 3});
  wait_for_rows(batcher, 3);
  auto b = ask({4});
  wait_for_rows(batcher, 4);
  auto c = ask({5, 6, 7, 8, 9, 10});  // more than a batch: alone
  wait_for_rows(batcher, 10);
  may_continue.set_value();
  for (auto* result : {&first, &a, &b, &c}) result->get();
  EXPECT_EQ(forwards, (std::vector<int64_t>{1, 4, 6}));
}

TEST(Batcher, SharesOutAmongWorkers) {
  Batcher batcher(100, 1000, 2);
  std::atomic<int> began = 0;
  std::promise<void> may_continue;
  const std::shared_future<void> going = may_continue.get_future().share();
  std::mutex mutex;
  std::multiset<int64_t> forwards;
  const Model model = made([&](const auto& samples) {
    {
      const std::scoped_lock lock(mutex);
      forwards.insert(static_cast<int64_t>(samples.size()));
    }
    ++began;
    going.wait();
    return lengths(samples);
  });
  std::vector<std::future<at::Tensor>> results;
  for (size_t i = 1; i <= 7; ++i)
    results.push_back(
        std::async(std::launch::async, [&, i] { return batcher.embed(model, texts({i}), 30s); }));
  wait_for_rows(batcher, 7);
  Working one(batcher), other(batcher);
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (began < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(batcher.waiting(), 0);
  may_continue.set_value();
  for (size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(results[i].get().item<float>(), static_cast<float>(i + 1));
  EXPECT_EQ(forwards, (std::multiset<int64_t>{
                          3, 4}));  // the first took half of them, the second its share of what was left
}

TEST(Batcher, CutsARequestIntoAPieceForEachWorker) {
  Batcher batcher(100, 1000, 3);
  std::mutex mutex;
  std::multiset<int64_t> forwards;
  const Model model = made([&](const auto& samples) {
    const std::scoped_lock lock(mutex);
    forwards.insert(static_cast<int64_t>(samples.size()));
    return lengths(samples);
  });
  auto request = std::async(std::launch::async, [&] {
    return batcher.embed(model, texts({1, 2, 3, 4, 5, 6, 7}), 30s);
  });
  wait_for_rows(batcher, 7);
  const Working one(batcher), other(batcher), third(batcher);
  EXPECT_TRUE(request.get().equal(at::tensor({1.F, 2.F, 3.F, 4.F, 5.F, 6.F, 7.F}).view({7, 1})));
  EXPECT_EQ(forwards, (std::multiset<int64_t>{1, 3, 3}));
}

TEST(Batcher, EndsForAllWhenOneWorkerFails) {
  Batcher batcher(4, 1000, 2);
  const auto work = [&](bool fails) {
    return std::async(std::launch::async, [&batcher, fails] {
      batcher.run([] { return false; },
                  [fails](int64_t) {
                    if (fails) throw Error("no room to count");
                  });
    });
  };
  auto failing = work(true);
  EXPECT_THROW(batcher.embed(kLengths, texts({1}), 30s), OverloadError);  // its rows are lost with the worker
  EXPECT_THROW(failing.get(), Error);
  work(false).get();  // finds it closed
  EXPECT_THROW(batcher.embed(kLengths, texts({1}), 30s), OverloadError);
}

TEST(Batcher, ShedsWhatIsTooMuchOrTooLate) {
  Batcher batcher(4, 2);  // nobody runs it yet
  auto waits = std::async(std::launch::async, [&] { return batcher.embed(kLengths, texts({1, 2}), 200ms); });
  wait_for_rows(batcher, 2);
  EXPECT_THROW(batcher.embed(kLengths, texts({3}), 30s), OverloadError);
  EXPECT_THROW(waits.get(), OverloadError);
  // Nobody waits for the late one any more: it is not embedded.
  Working working(batcher);
  while (batcher.waiting() > 0) std::this_thread::yield();
  EXPECT_EQ(batcher.embed(kLengths, texts({5}), 30s).item<float>(), 5);
  EXPECT_EQ(working.largest, 1);
  working.end();
  EXPECT_THROW(batcher.embed(kLengths, texts({3}), 30s), OverloadError);
}

TEST(Batcher, PassesErrorsOnAndContinues) {
  Batcher batcher(4, 10);
  Working working(batcher);
  const Model model = made([](const auto& samples) {
    if (std::get<std::string>(*samples[0]).empty()) throw DataError("an empty one");
    return lengths(samples);
  });
  EXPECT_THROW(batcher.embed(model, texts({0}), 30s), DataError);
  EXPECT_EQ(batcher.embed(model, texts({2}), 30s).item<float>(), 2);
}

// A model that is replaced is kept until its last request has ended, and embeds no other's samples.
TEST(Batcher, KeepsTheSamplesOfModelsApart) {
  Batcher batcher(100, 1000);
  std::vector<std::future<at::Tensor>> results;
  std::weak_ptr<const Batcher::Forward> former;
  for (const float factor : {1.0F, 10.0F}) {
    const Model model = made([factor](const auto& samples) { return lengths(samples) * factor; });
    if (factor == 1) former = model;
    for (size_t i = 1; i <= 2; ++i) {
      results.push_back(std::async(std::launch::async,
                                   [&batcher, model, i] { return batcher.embed(model, texts({i}), 30s); }));
      wait_for_rows(batcher, static_cast<int64_t>(results.size()));
    }
  }
  EXPECT_FALSE(former.expired());
  Working working(batcher);
  std::vector<float> found;
  for (auto& result : results) found.push_back(result.get().item<float>());
  EXPECT_EQ(found, (std::vector<float>{1, 2, 10, 20}));
  EXPECT_LE(working.largest, 2);
  working.end();
  results.clear();
  EXPECT_TRUE(former.expired());
}

}  // namespace
}  // namespace lodestone
