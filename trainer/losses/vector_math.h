#pragma once

#include <cstdint>
#include <cstring>

#include "common/simd.h"

// exp and log1p as plain arithmetic without branches or calls, so that a compiler turns loops over them into
// vector instructions. The loops stand in functions marked LODESTONE_CLONES (common/simd.h), and every
// function that such a function calls must be LODESTONE_INLINE.

#define LODESTONE_INLINE inline __attribute__((always_inline))

namespace lodestone::losses::vector_math {

template <typename T>
struct Format;

template <>
struct Format<float> {
  using Bits = uint32_t;
  static constexpr int kMantissa = 23, kExponentBias = 127;
  static constexpr float kLowest = -87.3F, kHighest = 89.0F;  // below: 0; above: infinity
  static constexpr float kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  static constexpr int kExpTerms = 7, kLogTerms = 8;
};

template <>
struct Format<double> {
  using Bits = uint64_t;
  static constexpr int kMantissa = 52, kExponentBias = 1023;
  static constexpr double kLowest = -708.3, kHighest = 710.0;
  static constexpr double kLn2High = 6.93147180369123816490e-01, kLn2Low = 1.90821492927058770002e-10;
  static constexpr int kExpTerms = 13, kLogTerms = 18;
};

constexpr double inverse_factorial(int n) {
  return n < 2 ? 1 : inverse_factorial(n - 1) / n;
}

// Σ over i of r^i / i!, from term `I` on, divided by r^I.
template <int I, int kTerms, typename T>
LODESTONE_INLINE T exp_series(T r) {
  constexpr T kFactor = static_cast<T>(inverse_factorial(I));
  if constexpr (I == kTerms)
    return kFactor;
  else
    return kFactor + r * exp_series<I + 1, kTerms>(r);
}

// Σ over i of t^i / (2 i + 1), from term `I` on, divided by t^I.
template <int I, int kTerms, typename T>
LODESTONE_INLINE T log_series(T t) {
  if constexpr (I + 1 == kTerms)
    return 1 / static_cast<T>(2 * I + 1);
  else
    return 1 / static_cast<T>(2 * I + 1) + t * log_series<I + 1, kTerms>(t);
}

/// e^x with an error of at most 2 units in the last place. Results below the smallest normal number are 0;
/// infinity and NaN come out as in std::exp.
/// Math      x = k ln 2 + r, |r| <= ln 2 / 2: e^x = 2^k (1 + r + r²/2! + …)
template <typename T>
LODESTONE_INLINE T exp(T x) {
  using F = Format<T>;
  using Bits = typename F::Bits;  // unsigned, since the shift may overflow; the overflowed bits are not used
  // Adding 1.5 · 2^mantissa rounds to an integer, which is then found in the lowest bits.
  constexpr T kRound = static_cast<T>(Bits{3} << (F::kMantissa - 1));
  const T bounded = x > F::kHighest ? F::kHighest : x;
  const T shifted = bounded * static_cast<T>(1.44269504088896340736) + kRound;
  const T k = shifted - kRound;
  const T r = (bounded - k * F::kLn2High) - k * F::kLn2Low;
  Bits bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + F::kExponentBias) << F::kMantissa;
  T power;
  std::memcpy(&power, &bits, sizeof power);
  const T result = exp_series<0, F::kExpTerms>(r) * power;
  return x < F::kLowest ? T{0} : result;
}

/// log(1 + x) for x in [0, 1]: 2 artanh(s) with s = x / (2 + x).
template <typename T>
LODESTONE_INLINE T log1p_of_fraction(T x) {
  const T s = x / (2 + x);
  return 2 * s * log_series<0, Format<T>::kLogTerms>(s * s);
}

/// log(1 + e^x), for any x.
template <typename T>
LODESTONE_INLINE T log1p_exp(T x) {
  const T size = x < 0 ? -x : x;
  return (x > 0 ? x : T{0}) + log1p_of_fraction(exp(-size));
}

/// 1 / (1 + e^-x), for any x.
template <typename T>
LODESTONE_INLINE T sigmoid(T x) {
  const T e = exp(x < 0 ? x : -x);
  return (x < 0 ? e : T{1}) / (1 + e);
}

}  // namespace lodestone::losses::vector_math
