#include "trainer/engine/gradient_cache.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>

#include "trainer/engine/forward_pass.h"

namespace lodestone::engine {

at::Tensor GradientCache::encode_part(int64_t begin, const encoders::ForwardMode& mode) {
  const int64_t size = std::min(micro_batch_, x_.rows() - begin);
  return forward_pass(encoder_, x_.narrow(begin, size), mode.for_rows(at::arange(begin, begin + size)),
                      precision_);
}

at::Tensor GradientCache::encode(const Features& x, const encoders::ForwardMode& mode) {
  x_ = x;
  mode_ = mode;
  if (micro_batch_ == 0) {
    z_bD_ = forward_pass(encoder_, x, mode, precision_);
    return z_bD_.detach();
  }
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  for (int64_t begin = 0; begin < std::max<int64_t>(x.rows(), 1); begin += micro_batch_)
    parts.push_back(encode_part(begin, mode));
  return at::cat(parts);
}

void GradientCache::backward(const at::Tensor& gradient_bD) {
  if (micro_batch_ == 0) {
    sync_.prepare({z_bD_});
    z_bD_.backward(gradient_bD);
    z_bD_.reset();
    return;
  }
  encoders::ForwardMode again = mode_;
  again.update_statistics = false;
  const int64_t rows = x_.rows();
  for (int64_t begin = 0; begin < std::max<int64_t>(rows, 1); begin += micro_batch_) {
    const at::Tensor z_mD = encode_part(begin, again);
    if (begin + micro_batch_ >= rows) sync_.prepare({z_mD});
    z_mD.backward(gradient_bD.narrow(0, begin, z_mD.size(0)));
  }
}

}  // namespace lodestone::engine
