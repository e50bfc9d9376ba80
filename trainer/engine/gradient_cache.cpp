#include "trainer/engine/gradient_cache.h"

#include <algorithm>
#include <mutex>

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>

namespace lodestone {

namespace {

at::Generator generator_of(const Features& x) {
  return at::globalContext().defaultGenerator(x.device());
}

at::Tensor random_state(const Features& x) {
  at::Generator generator = generator_of(x);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return generator.get_state();
}

void set_random_state(const Features& x, const at::Tensor& state) {
  at::Generator generator = generator_of(x);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(state);
}

}  // namespace

at::Tensor GradientCache::forward(const Features& x, const ForwardMode& mode) {
  const Autocast autocast(x.device(), precision_);
  const at::Tensor z_bD = encoder_.forward(x, mode);
  return c10::isReducedFloatingType(z_bD.scalar_type()) ? z_bD.to(at::kFloat) : z_bD;
}

at::Tensor GradientCache::encode_part(int64_t begin, const ForwardMode& mode) {
  const int64_t size = std::min(micro_batch_, x_.rows() - begin);
  return forward(x_.narrow(begin, size), mode.for_rows(at::arange(begin, begin + size)));
}

at::Tensor GradientCache::encode(const Features& x, const ForwardMode& mode) {
  x_ = x;
  mode_ = mode;
  random_states_.clear();
  if (micro_batch_ == 0) {
    z_bD_ = forward(x, mode);
    return z_bD_.detach();
  }
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  for (int64_t begin = 0; begin < std::max<int64_t>(x.rows(), 1); begin += micro_batch_) {
    random_states_.push_back(random_state(x));
    parts.push_back(encode_part(begin, mode));
  }
  return at::cat(parts);
}

void GradientCache::backward(const at::Tensor& gradient_bD) {
  if (micro_batch_ == 0) {
    sync_.prepare({z_bD_});
    z_bD_.backward(gradient_bD);
    z_bD_.reset();
    return;
  }
  const at::Tensor after = random_state(x_);
  ForwardMode again = mode_;
  again.update_statistics = false;
  for (size_t part = 0; part < random_states_.size(); ++part) {
    const int64_t begin = static_cast<int64_t>(part) * micro_batch_;
    set_random_state(x_, random_states_[part]);
    const at::Tensor z_mD = encode_part(begin, again);
    if (part + 1 == random_states_.size()) sync_.prepare({z_mD});
    z_mD.backward(gradient_bD.narrow(0, begin, z_mD.size(0)));
  }
  set_random_state(x_, after);
}

}  // namespace lodestone
