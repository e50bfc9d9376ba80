// Texts in parts of like length against all of them in one call.
#include "trainer/encoders/length_parts.h"

#include <set>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "support/batches.h"
#include "trainer/encoders/dropout.h"
#include "trainer/encoders/pooling.h"

namespace lodestone::testing {
using namespace encoders;
namespace {

constexpr int64_t kTokens = 12, kWidth = 4;

// Row i has lengths[i] tokens.
at::Tensor mask_of(const std::vector<int64_t>& lengths) {
  const at::Tensor length_n1 = at::zeros({static_cast<int64_t>(lengths.size()), 1}, at::kLong);
  for (size_t i = 0; i < lengths.size(); ++i) length_n1.mutable_data_ptr<int64_t>()[i] = lengths[i];
  return at::arange(kTokens).unsqueeze(0) < length_n1;
}

std::vector<int64_t> some_lengths(int64_t rows) {
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < rows; ++i) lengths.push_back(i * i * 7 % (kTokens + 1));  // 0 too
  return lengths;
}

TEST(LengthParts, GiveWhatOneCallGives) {
  ForwardMode mode;
  mode.training = true;
  mode.draw = {5, 3, {}};
  const auto encode = [](const at::Tensor& x, const at::Tensor& mask, const ForwardMode& how) {
    return mean_of_tokens(dropout(x, 0.3, 1, how).pow(2), mask);
  };
  for (const int64_t rows : {0, 1, 15, 16, 64}) {
    const at::Tensor mask = mask_of(some_lengths(rows));
    const at::Tensor x =
        random_rows(1, rows * kTokens * kWidth, 1).view({rows, kTokens, kWidth}).to(at::kDouble);
    const at::Tensor given = x.clone().requires_grad_(true), whole = x.clone().requires_grad_(true);
    const at::Tensor weight = random_rows(1, rows * kWidth, 2).view({rows, kWidth}).to(at::kDouble);
    const at::Tensor parts = by_length(given, mask, mode, encode), one = encode(whole, mask, mode);
    EXPECT_LE(max_relative_error(parts, one), 1e-14) << rows;
    (parts * weight).sum().backward();
    (one * weight).sum().backward();
    EXPECT_LE(max_relative_error(given.grad(), whole.grad()), 1e-14) << rows;
  }
}

TEST(LengthParts, AreCutToTheirLongest) {
  std::vector<int64_t> lengths(20, 3);
  lengths.resize(40, 12);
  std::multiset<std::pair<int64_t, int64_t>> seen;  // rows, tokens
  const auto encode = [&](const at::Tensor& x, const at::Tensor& mask, const ForwardMode&) {
    EXPECT_EQ(x.size(1), mask.size(1));
    seen.insert({x.size(0), x.size(1)});
    return x.sum(1);
  };
  by_length(at::zeros({40, kTokens, kWidth}), mask_of(lengths), {}, encode);
  EXPECT_EQ(seen, (std::multiset<std::pair<int64_t, int64_t>>{{20, 12}, {20, 3}}));
}

}  // namespace
}  // namespace lodestone::testing
