#include "trainer/encoders/dropout.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

#include "common/parallel.h"
#include "common/rng.h"

namespace lodestone::encoders {

at::Tensor dropout(const at::Tensor& x_bXK, double probability, DropoutSite site, const ForwardMode& mode) {
  if (!mode.training || probability <= 0) return x_bXK;
  const int64_t width = x_bXK.size(-1), columns = x_bXK.size(-2),
                planes = x_bXK.dim() == 4 ? x_bXK.size(1) : 1;
  at::Tensor mask = at::empty(x_bXK.sizes(), at::kFloat);
  float* out = mask.mutable_data_ptr<float>();
  const at::Tensor row_b = mode.draw.row_b;
  const int64_t* rows = row_b.defined() ? row_b.const_data_ptr<int64_t>() : nullptr;
  const auto threshold = static_cast<uint64_t>(probability * 0x1.0p32);
  const auto kept = static_cast<float>(1 / (1 - probability));
  const auto step_and_site = static_cast<uint64_t>(mode.draw.step) << 16 | static_cast<uint64_t>(site);
  parallel_ranges(x_bXK.size(0) * planes * columns, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / (planes * columns), plane = i / columns % planes, column = i % columns;
      const int64_t row = rows ? rows[b] : b;
      Random random(mode.draw.seed, Purpose::kDropout, step_and_site,
                    static_cast<uint64_t>(row << 28 | plane << 16 | column));
      for (int64_t k = 0; k < width; ++k) out[i * width + k] = random.bits() < threshold ? 0.0F : kept;
    }
  });
  return x_bXK * mask.to(x_bXK.device(), x_bXK.scalar_type());
}

}  // namespace lodestone::encoders
