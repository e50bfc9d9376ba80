#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <vector>

namespace lodestone {

/// The use of a random stream: the first word of its key, so that no two uses share numbers.
enum class Purpose : uint32_t { kInit = 1, kShuffle, kAugment, kSampler, kMiner, kDropout, kTrials, kNoise };

/// Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
/// 3", 2011).
/// A stream is a pure function of its key (seed, purpose, a, b): never of thread, rank or order of calls. A
/// drawing method changes this object only.
class Random {
 public:
  Random(uint64_t seed, Purpose purpose, uint64_t a = 0, uint64_t b = 0)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)} {
    // The stream's identity is hashed into the key and the upper counter words; the low words count blocks.
    uint64_t mixed = mix(mix(mix(seed ^ (static_cast<uint64_t>(purpose) << 32)) ^ a) ^ b);
    key_[0] ^= static_cast<uint32_t>(mixed);
    key_[1] ^= static_cast<uint32_t>(mixed >> 32);
    const uint64_t upper = mix(mixed ^ mix(b) ^ a);
    counter_ = {0, 0, static_cast<uint32_t>(upper), static_cast<uint32_t>(upper >> 32)};
  }

  /// 32 uniform random bits.
  uint32_t bits() {
    if (left_ == 0) refill();
    return block_[--left_];
  }

  /// Uniform in [0, 1), 53 bits.
  double uniform() {
    const uint64_t high = bits();
    return static_cast<double>(((high << 32) | bits()) >> 11) * 0x1.0p-53;
  }

  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// Standard normal (Box–Muller).
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log1p(-uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

  /// Uniform integer in [0, n), unbiased; n > 0.
  uint64_t below(uint64_t n) {
    const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    for (;;) {
      const uint64_t high = bits();
      const uint64_t value = (high << 32) | bits();
      if (value < limit) return value % n;
    }
  }

  /// A random order of 0..n-1 (Fisher–Yates).
  std::vector<int64_t> permutation(int64_t n) {
    std::vector<int64_t> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), int64_t{0});
    shuffle(order);
    return order;
  }

  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

  /// The raw bijection, for known-answer tests.
  static std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = uint64_t{0xD2511F53} * counter[0];
      const uint64_t p1 = uint64_t{0xCD9E8D57} * counter[2];
      counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(p1),
                 static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(p0)};
      key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
    }
    return counter;
  }

 private:
  // splitmix64's finalizer.
  static uint64_t mix(uint64_t x) {
    x += 0x9E3779B97F4A7C15;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  }

  void refill() {
    block_ = philox(counter_, key_);
    left_ = 4;
    if (++counter_[0] == 0) ++counter_[1];
  }

  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_{};
  std::array<uint32_t, 4> block_{};
  int left_ = 0;
};

}  // namespace lodestone
