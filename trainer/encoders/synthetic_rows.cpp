#include "trainer/encoders/synthetic_rows.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

#include "common/rng.h"

namespace lodestone::encoders {

Features synthetic_images(const InputShape& input, int64_t rows) {
  Random random(1, Purpose::kNoise, static_cast<uint64_t>(rows));
  Features x;
  x.pixels_nCHW = at::empty({rows, input.channels, input.height, input.width});
  for (int64_t i = 0; i < x.pixels_nCHW.numel(); ++i)
    x.pixels_nCHW.mutable_data_ptr<float>()[i] = static_cast<float>(random.normal());
  return x;
}

Features synthetic_texts(const InputShape& input, int64_t rows, int64_t length) {
  Random random(1, Purpose::kNoise, static_cast<uint64_t>(rows));
  Features x;
  x.tokens_nT = at::empty({rows, length}, at::kLong);
  for (int64_t i = 0; i < x.tokens_nT.numel(); ++i)
    x.tokens_nT.mutable_data_ptr<int64_t>()[i] =
        static_cast<int64_t>(random.below(static_cast<uint64_t>(input.vocabulary)));
  x.mask_nT = at::arange(length).unsqueeze(0) <= at::arange(rows).unsqueeze(1);
  return x;
}

}  // namespace lodestone::encoders
