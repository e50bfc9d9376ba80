// Convolutions against ATen's in double precision.
#include "trainer/encoders/convolution.h"

#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <gtest/gtest.h>

#include "common/parallel.h"
#include "support/batches.h"

namespace lodestone::testing {
using namespace encoders;
namespace {

struct Result {
  at::Tensor y, x, kernel;  // gradients but for y
};

struct Shape {
  int64_t rows, in, out, side, size, stride;
};

template <typename Convolve>
Result pass(const Shape& s, at::ScalarType type, const Convolve& convolve) {
  const auto leaf = [&](at::IntArrayRef sizes, uint64_t seed) {
    int64_t numel = 1;
    for (const int64_t size : sizes) numel *= size;
    return random_rows(1, numel, seed).view(sizes).to(type).detach().clone().requires_grad_(true);
  };
  const at::Tensor x = leaf({s.rows, s.in, s.side, s.side}, 1),
                   kernel = leaf({s.out, s.in, s.size, s.size}, 2);
  const at::Tensor y = convolve(x.contiguous(at::MemoryFormat::ChannelsLast), kernel, s.stride, s.size / 2);
  y.backward(random_rows(1, y.numel(), 3).view(y.sizes()).to(type));
  return {y.detach(), x.grad(), kernel.grad()};
}

at::Tensor forward(const at::Tensor& x, const at::Tensor& kernel, int64_t stride, int64_t padding) {
  return Convolution(kernel, stride, padding).forward(x);
}

TEST(Convolution, IsAtensWhateverTheSize) {
  for (const Shape& s :
       {Shape{5, 8, 16, 2, 3, 1}, Shape{3, 8, 4, 1, 3, 1}, Shape{4, 6, 8, 4, 3, 2}, Shape{2, 3, 8, 3, 3, 2},
        Shape{2, 4, 4, 4, 7, 2}, Shape{3, 8, 8, 3, 3, 1}, Shape{3, 8, 8, 2, 1, 1}, Shape{1, 16, 8, 2, 3, 1},
        Shape{33, 16, 8, 2, 3, 1}, Shape{40, 8, 12, 1, 3, 1}}) {
    const Result got = pass(s, at::kFloat, forward);
    const Result expected =
        pass(s, at::kDouble, [](const auto& x, const auto& kernel, int64_t stride, int64_t padding) {
          return at::conv2d(x, kernel, {}, stride, padding);
        });
    const std::string what =
        std::to_string(s.rows) + " of side " + std::to_string(s.side) + ", kernel " + std::to_string(s.size);
    ASSERT_EQ(got.y.sizes(), expected.y.sizes()) << what;
    EXPECT_LE(max_relative_error(got.y.to(at::kDouble), expected.y), 1e-6) << what;
    EXPECT_LE(max_relative_error(got.x.to(at::kDouble), expected.x), 1e-6) << what;
    EXPECT_LE(max_relative_error(got.kernel.to(at::kDouble), expected.kernel), 1e-6) << what;
  }
}

TEST(Convolution, WithAHeldKernelIsAtensWhateverTheRows) {
  for (const Shape& s : {Shape{0, 3, 16, 9, 3, 1}, Shape{0, 6, 8, 8, 3, 2}, Shape{0, 16, 24, 7, 1, 2},
                         Shape{0, 3, 8, 32, 7, 2}, Shape{0, 16, 24, 2, 3, 1}, Shape{0, 8, 8, 1, 3, 1}}) {
    const at::Tensor kernel =
        random_rows(s.out, s.in * s.size * s.size, 2).view({s.out, s.in, s.size, s.size}).to(at::kFloat);
    Convolution held(kernel, s.stride, s.size / 2);
    held.hold();
    for (const int64_t rows : {32, 1, 8, 0, 33}) {
      const at::Tensor x =
          random_rows(1, rows * s.in * s.side * s.side, 1).view({rows, s.in, s.side, s.side}).to(at::kFloat);
      const at::NoGradGuard no_grad;
      const at::Tensor y = held.forward(x.contiguous(at::MemoryFormat::ChannelsLast));
      const at::Tensor expected =
          at::conv2d(x.to(at::kDouble), kernel.to(at::kDouble), {}, s.stride, s.size / 2);
      ASSERT_EQ(y.sizes(), expected.sizes());
      if (rows == 0) continue;
      EXPECT_LE(max_relative_error(y.to(at::kDouble), expected), 1e-6) << rows << " of side " << s.side;
    }
  }
}

// In a region of many threads, as a service calls it, and with the kernel packed there; that it is packed
// shows when the other is lost.
TEST(Convolution, KeepsAHeldKernel) {
  const at::Tensor kernel = random_rows(16, 3 * 9, 2).view({16, 3, 3, 3}).to(at::kFloat),
                   x = random_rows(1, 12 * 3 * 81, 1).view({12, 3, 9, 9}).to(at::kFloat);
  const at::Tensor expected = at::conv2d(x, kernel, {}, 1, 1);
  Convolution held(kernel, 1, 1);
  held.hold();
  std::vector<at::Tensor> y(2);
  const auto forward_on_both = [&] {
    parallel_ranges(2, 1, [&](int64_t begin, int64_t end) {
      const at::NoGradGuard no_grad;
      for (int64_t i = begin; i < end; ++i) y[static_cast<size_t>(i)] = held.forward(x);
    });
    for (const at::Tensor& one : y)
      EXPECT_LE(max_relative_error(one.to(at::kDouble), expected.to(at::kDouble)), 1e-6);
  };
  forward_on_both();
  kernel.zero_();
  forward_on_both();
}

TEST(Convolution, WithAHeldKernelStillHasItsGradients) {
  const auto held = [](const at::Tensor& x, const at::Tensor& kernel, int64_t stride, int64_t padding) {
    Convolution convolution(kernel, stride, padding);
    convolution.hold();
    return convolution.forward(x);
  };
  const Result got = pass({16, 3, 8, 9, 3, 1}, at::kFloat, held),
               expected = pass({16, 3, 8, 9, 3, 1}, at::kFloat, forward);
  EXPECT_TRUE(got.y.equal(expected.y) && got.x.equal(expected.x) && got.kernel.equal(expected.kernel));
}

TEST(Convolution, OfManyTinyImagesTrainsUnderAutocast) {
  const auto rounded = [](const at::Tensor& x, const at::Tensor& kernel, int64_t stride, int64_t padding) {
    at::autocast::set_autocast_enabled(at::kCPU, true);
    const at::Tensor y = forward(x, kernel, stride, padding);
    at::autocast::set_autocast_enabled(at::kCPU, false);
    return y;
  };
  const Result got = pass({40, 16, 8, 2, 3, 1}, at::kFloat, rounded),
               expected = pass({40, 16, 8, 2, 3, 1}, at::kFloat, forward);
  EXPECT_LE(max_relative_error(got.kernel.to(at::kDouble), expected.kernel.to(at::kDouble)), 0.02);
}

TEST(Convolution, OfNoRowsHasNoRows) {
  const Result none = pass({0, 8, 4, 2, 3, 1}, at::kFloat, forward);
  EXPECT_EQ(none.y.sizes(), (at::IntArrayRef{0, 4, 2, 2}));
  EXPECT_EQ(none.kernel.abs().sum().item<float>(), 0);
}

}  // namespace
}  // namespace lodestone::testing
