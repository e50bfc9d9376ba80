#include "common/features.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

namespace lodestone {
namespace {

// Rows: text, image, image, text, text; each holds its own number.
Features mixed() {
  Features x;
  x.is_text_b = at::tensor({1, 0, 0, 1, 1}).to(at::kBool);
  x.pixels_nCHW = at::tensor({1.f, 2.f}).view({2, 1, 1, 1});
  x.tokens_nT = at::tensor({int64_t{0}, int64_t{3}, int64_t{4}}).view({3, 1});
  x.mask_nT = at::ones({3, 1}, at::kBool);
  return x;
}

TEST(Features, PartsOfMixedRowsHoldTheirImagesAndTexts) {
  const Features x = mixed();
  EXPECT_EQ(x.rows(), 5);
  for (int64_t begin = 0; begin <= 5; ++begin)
    for (int64_t size = 0; begin + size <= 5; ++size) {
      const Features part = x.narrow(begin, size);
      ASSERT_EQ(part.rows(), size);
      EXPECT_EQ(part.pixels_nCHW.size(0) + part.tokens_nT.size(0), size);
      EXPECT_EQ(part.mask_nT.size(0), part.tokens_nT.size(0));
      int64_t image = 0, text = 0;
      for (int64_t row = 0; row < size; ++row) {
        const bool is_text = part.is_text_b[row].item<bool>();
        const double number =
            is_text ? part.tokens_nT[text++].item<double>() : part.pixels_nCHW[image++].item<double>();
        EXPECT_EQ(number, static_cast<double>(begin + row));
      }
    }
}

TEST(Features, OfOneKindAreNarrowedAlike) {
  const Features images = at::arange(4, at::kFloat).view({4, 1, 1, 1});
  EXPECT_EQ(images.narrow(1, 2).pixels_nCHW[0].item<float>(), 1);
  EXPECT_EQ(images.narrow(4, 0).rows(), 0);
  const Features texts(at::arange(4, at::kLong).view({4, 1}), at::ones({4, 1}, at::kBool));
  EXPECT_EQ(texts.rows(), 4);
  EXPECT_TRUE(at::equal(texts.narrow(2, 2).tokens_nT, at::tensor({int64_t{2}, int64_t{3}}).view({2, 1})));
}

TEST(Features, AnotherTypeChangesPixelsOnly) {
  const Features x = mixed().to(at::kDouble);
  EXPECT_EQ(x.pixels_nCHW.scalar_type(), at::kDouble);
  EXPECT_EQ(x.tokens_nT.scalar_type(), at::kLong);
}

}  // namespace
}  // namespace lodestone
