#include "trainer/encoders/length_parts.h"

#include <algorithm>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/TracerMode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/cat.h>

namespace lodestone::encoders {

namespace {

constexpr int64_t kLeastRows = 8;

struct Part {
  int64_t begin, end, tokens;
};

// The index after each text's last token.
at::Tensor lengths_of(const at::Tensor& mask_nT) {
  return (mask_nT.to(at::kLong) * at::arange(1, mask_nT.size(1) + 1)).amax(1);
}

// Requires that length_n is descending.
std::vector<Part> parts_of(const at::Tensor& length_n) {
  const int64_t* lengths = length_n.const_data_ptr<int64_t>();
  const int64_t rows = length_n.size(0);
  std::vector<Part> parts;
  for (int64_t i = 0; i < rows; ++i) {
    const bool fits = !parts.empty() && (4 * lengths[i] >= 3 * parts.back().tokens ||
                                         i - parts.back().begin < kLeastRows || rows - i < kLeastRows);
    if (!fits) parts.push_back({i, i, std::max<int64_t>(lengths[i], 1)});
    parts.back().end = i + 1;
  }
  return parts;
}

}  // namespace

at::Tensor by_length(const at::Tensor& x_nTD, const at::Tensor& mask_nT, const ForwardMode& mode,
                     const std::function<at::Tensor(const at::Tensor& x_nTD, const at::Tensor& mask_nT,
                                                    const ForwardMode& mode)>& encode) {
  if (at::tracer::impl::is_dispatch_enabled() || !mask_nT.is_cpu() || mask_nT.size(0) < 2 * kLeastRows)
    return encode(x_nTD, mask_nT, mode);
  const at::Tensor length_n = lengths_of(mask_nT);
  const at::Tensor order_n = at::argsort(length_n, /*stable=*/true, /*dim=*/0, /*descending=*/true);
  std::vector<at::Tensor> encoded;
  for (const Part& part : parts_of(length_n.index_select(0, order_n))) {
    const at::Tensor rows_n = order_n.narrow(0, part.begin, part.end - part.begin);
    const auto cut = [&](const at::Tensor& all_nTX) {
      return all_nTX.narrow(1, 0, part.tokens).index_select(0, rows_n);
    };
    encoded.push_back(encode(cut(x_nTD), cut(mask_nT), mode.for_rows(rows_n)));
  }
  return at::cat(encoded).index_select(0, at::argsort(order_n));
}

}  // namespace lodestone::encoders
