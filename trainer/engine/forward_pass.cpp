#include "trainer/engine/forward_pass.h"

#include <mutex>

#include <ATen/Context.h>
#include <ATen/ops/arange.h>

#include "common/rng.h"
#include "trainer/engine/precision.h"

namespace lodestone::engine {

namespace {

void set_generator(c10::Device device, const encoders::ForwardDraw& draw) {
  const bool known = draw.row_b.defined() && draw.row_b.numel() > 0;
  const int64_t first_row = known ? *draw.row_b.const_data_ptr<int64_t>() : 0;
  Random key(draw.seed, Purpose::kDropout, static_cast<uint64_t>(draw.step),
             static_cast<uint64_t>(first_row));
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::scoped_lock lock(generator.mutex());
  generator.set_current_seed(key.bits());
}

}  // namespace

at::Tensor forward_pass(encoders::Encoder& encoder, const Features& x, const encoders::ForwardMode& mode,
                        Precision precision) {
  set_generator(x.device(), mode.draw);
  const Autocast autocast(x.device(), precision);
  const at::Tensor z_bD = encoder.forward(x, mode);
  return c10::isReducedFloatingType(z_bD.scalar_type()) ? z_bD.to(at::kFloat) : z_bD;
}

encoders::ForwardMode mode_for_share(const encoders::ForwardMode& mode, sampler::Range share) {
  encoders::ForwardMode own = mode;
  own.draw.row_b = at::arange(share.begin, share.end);
  return own;
}

}  // namespace lodestone::engine
