#include "sampler/texts/token_rows.h"

#include <algorithm>

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace lodestone::sampler {

void TokenRows::finish(Features& out) const {
  size_t longest = 1;
  for (const auto& row : ids_) longest = std::max(longest, row.size());
  const auto n = static_cast<int64_t>(ids_.size()), width = static_cast<int64_t>(longest);
  out.tokens_nT = at::full({n, width}, rule_.tokenizer->padding(), at::kLong);
  out.mask_nT = at::zeros({n, width}, at::kBool);
  int64_t* tokens = out.tokens_nT.mutable_data_ptr<int64_t>();
  bool* mask = out.mask_nT.mutable_data_ptr<bool>();
  for (const auto& row : ids_) {
    std::copy(row.begin(), row.end(), tokens);
    std::fill_n(mask, row.size(), true);
    tokens += width;
    mask += width;
  }
}

}  // namespace lodestone::sampler
