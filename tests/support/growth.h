#pragma once

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <limits>

#include <gtest/gtest.h>
#include <malloc.h>

namespace lodestone::testing {

/// CPU seconds that `work` takes in this process; other processes on the machine do not count.
template <typename Work>
double cpu_seconds(const Work& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double begin = now();
  work();
  return now() - begin;
}

/// Expects that the time of `read(make(n))` grows less than threefold when the input doubles, on average over
/// two doublings. In linear time it doubles; in quadratic time it grows fourfold. There are two doublings
/// because the step from one cache level to the next happens at one size, and several trials because other
/// programs may use the caches. `make(n)` makes an input of a size proportional to n; only `read(input)` is
/// timed. n is doubled until one reading takes 10 ms, or 4n reaches `most`, the largest input that the reader
/// accepts.
///
///     const auto make = [](size_t n) { return "[" + std::string(n, '1') + "]"; };
///     expect_linear(make, [](const std::string& text) { parse(text); });
template <typename Make, typename Read>
void expect_linear(const Make& make, const Read& read, size_t n = 1000, size_t most = size_t{1} << 24) {
  constexpr double kMeasurable = 0.01;
  constexpr int kRounds = 3, kTrials = 6;
  // As the program does, memory is kept from one reading to the next: the cost of fresh pages depends on
  // what other processes leave.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  while (8 * n <= most && cpu_seconds([&, input = make(n)] { read(input); }) < kMeasurable) n *= 2;
  const auto once = make(n), four_times = make(4 * n);
  double short_time = 0, long_time = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    short_time = long_time = std::numeric_limits<double>::infinity();
    for (int round = 0; round < kRounds; ++round) {
      short_time = std::min(short_time, cpu_seconds([&] { read(once); }));
      long_time = std::min(long_time, cpu_seconds([&] { read(four_times); }));
    }
    if (long_time < 3 * 3 * short_time) return;
  }
  ADD_FAILURE() << "expected four times as much to take less than nine times as long, got " << short_time
                << " s at n = " << n << " and " << long_time << " s at 4n";
}

}  // namespace lodestone::testing
