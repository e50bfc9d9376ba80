#pragma once

#include <vector>

#include "distributed/reductions/gradient_sync.h"
#include "trainer/engine/encoder_pass.h"
#include "trainer/engine/gradient_cache.h"

namespace lodestone {

/// Each rank encodes its own rows, all at once or in micro-batches. Gradients are summed over ranks while the
/// backward pass runs.
class DirectPass : public EncoderPass {
 public:
  DirectPass(const Group& world, Encoder& encoder, int64_t micro_batch, Precision precision);
  DirectPass(const DirectPass&) = delete;
  DirectPass& operator=(const DirectPass&) = delete;

  at::Tensor encode(const Features& x, const ForwardMode& mode, Range share, int64_t global_rows) override;
  void backward(const at::Tensor& gradient_bD) override;
  void reduce() override { sync_.finish(); }
  Group loss_world() const override { return world_; }
  LossRows rows_for_loss(const LocalRows& own, Range share, int64_t) const override { return {own, share}; }
  at::Tensor own_part(const at::Tensor& gradient_nD, Range) const override { return gradient_nD; }
  at::Tensor encode_keys(Encoder& slow, const Features& x, Range, int64_t) override {
    return slow.forward(x, {});
  }
  bool statistics_are_per_rank() const override { return world_.size() > 1; }

 private:
  Group world_;
  std::vector<at::Tensor> learned_;
  GradientSync sync_;
  GradientCache cache_;
};

}  // namespace lodestone
