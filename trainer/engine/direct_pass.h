#pragma once

#include <vector>

#include "distributed/reductions/gradient_sync.h"
#include "trainer/engine/encoder_pass.h"
#include "trainer/engine/gradient_cache.h"

namespace lodestone::engine {

/// Each rank encodes its own rows, all at once or in micro-batches. Gradients are summed over ranks while the
/// backward pass runs.
class DirectPass : public EncoderPass {
 public:
  DirectPass(const distributed::Group& world, encoders::Encoder& encoder, int64_t micro_batch,
             Precision precision);
  DirectPass(const DirectPass&) = delete;
  DirectPass& operator=(const DirectPass&) = delete;

  at::Tensor encode(const Features& x, const encoders::ForwardMode& mode, sampler::Range share,
                    int64_t global_rows) override;
  void backward(const at::Tensor& gradient_bD) override;
  void reduce() override { sync_.finish(); }
  distributed::Group loss_world() const override { return world_; }
  LossRows rows_for_loss(const negatives::LocalRows& own, sampler::Range share, int64_t) const override {
    return {own, share};
  }
  at::Tensor own_part(const at::Tensor& gradient_nD, sampler::Range) const override { return gradient_nD; }
  at::Tensor encode_keys(encoders::Encoder& momentum_encoder, const Features& x, sampler::Range,
                         int64_t) override {
    return momentum_encoder.forward(x, {});
  }
  bool statistics_are_per_rank() const override { return world_.size() > 1; }

 private:
  distributed::Group world_;
  std::vector<at::Tensor> learned_;
  distributed::GradientSync sync_;
  GradientCache cache_;
};

}  // namespace lodestone::engine
