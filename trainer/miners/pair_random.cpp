#include "trainer/miners/pair_random.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bitwise_right_shift.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>

namespace lodestone::miners {

namespace {

/// x ^ (x >> bits) with the sign shifted in: the result is never negative. For bits > 0.
void fold_down(at::Tensor& x, int64_t bits, at::Tensor& scratch) {
  at::bitwise_right_shift_out(scratch, x, bits);
  x.bitwise_xor_(scratch);
}

/// Spreads every bit of the keys over all 64 (a finalizer in the manner of MurmurHash3).
at::Tensor mix(const at::Tensor& key, int64_t salt) {
  constexpr auto kFirst = static_cast<int64_t>(0xBF58476D1CE4E5B9),
                 kSecond = static_cast<int64_t>(0x94D049BB133111EB);
  at::Tensor x = key.add(salt);
  at::Tensor scratch = at::empty_like(x);
  for (const int64_t factor : {kFirst, kSecond}) {
    fold_down(x, 31, scratch);
    x.mul_(factor);
  }
  fold_down(x, 32, scratch);
  return x;
}

// Applied to anchors, so that the random numbers of a row as anchor and as reference are unrelated.
constexpr auto kSalt = static_cast<int64_t>(0x9E3779B97F4A7C15);

at::Tensor low_half(const at::Tensor& x) {
  return x.to(at::kInt);
}
at::Tensor high_half(const at::Tensor& x) {
  return x.bitwise_right_shift(31).to(at::kInt);
}

}  // namespace

// Costs a few passes per tile over 32-bit integers, which CPUs and GPUs process at the speed of floats: a
// multiply-add hash of the reference with the anchor's two words as factor and term, then twice a fold and a
// multiplication, once by the reference's other word. Products wrap around.
at::Tensor pair_uniform(const at::Tensor& anchor_key_r, const at::Tensor& reference_key_c) {
  const at::Tensor anchor_r1 = mix(anchor_key_r, kSalt).unsqueeze(1);
  const at::Tensor reference_1c = mix(reference_key_c, 0).unsqueeze(0);

  at::Tensor x_rc = at::mul(low_half(reference_1c), low_half(anchor_r1).bitwise_or_(1));
  at::Tensor scratch_rc = at::empty_like(x_rc);
  x_rc.bitwise_xor_(high_half(anchor_r1));
  fold_down(x_rc, 16, scratch_rc);
  x_rc.mul_(high_half(reference_1c).bitwise_or_(1));
  fold_down(x_rc, 15, scratch_rc);

  // From integers in [0, 2^31] (rounded to float) to (0, 1): the largest becomes 1 - 2^-24.
  constexpr double kScale = 0x1.fffffep-32, kLeast = 0x1p-32;
  return x_rc.to(at::kFloat).mul_(kScale).add_(kLeast);
}

}  // namespace lodestone::miners
