#include "common/products.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace lodestone {
namespace {

TEST(Products, OfRowsAreThoseOfDoublePrecisionToRounding) {
  at::Generator draw = at::make_generator<at::CPUGeneratorImpl>(uint64_t{1});
  for (const auto& [m, n, d] :
       {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1}, {3, 5, 7}, {33, 65, 128}, {130, 70, 300}}) {
    const at::Tensor a_md = at::randn({m, d}, draw), b_nd = at::randn({n, d}, draw),
                     bias_n = at::randn({n}, draw);
    const at::Tensor exact_mn = at::mm(a_md.to(at::kDouble), b_nd.to(at::kDouble).t());
    const double bound = 1e-6 * static_cast<double>(d) * 4;
    EXPECT_LT((products_of_rows(a_md, b_nd) - exact_mn).abs().max().item<double>(), bound);
    EXPECT_LT((products_of_rows(a_md, b_nd, bias_n) - exact_mn - bias_n).abs().max().item<double>(), bound);
    const at::Tensor in_double_mn = products_of_rows(a_md.to(at::kDouble), b_nd.to(at::kDouble));
    EXPECT_LT((in_double_mn - exact_mn).abs().max().item<double>(), 1e-12 * static_cast<double>(d));
    EXPECT_TRUE(products_of_rows(a_md, b_nd).is_contiguous());
  }
}

TEST(Products, OfNoRowsOrNoColumnsAreEmptyOrZero) {
  EXPECT_EQ(products_of_rows(at::zeros({0, 4}), at::zeros({3, 4})).sizes(), (at::IntArrayRef{0, 3}));
  EXPECT_EQ(products_of_rows(at::zeros({2, 4}), at::zeros({0, 4})).sizes(), (at::IntArrayRef{2, 0}));
  EXPECT_EQ(products_of_rows(at::empty({2, 0}), at::empty({3, 0})).abs().sum().item<float>(), 0.0F);
}

}  // namespace
}  // namespace lodestone
