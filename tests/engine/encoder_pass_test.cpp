// One contract for every way to take a step's rows through the encoder and back.
#include "trainer/engine/encoder_pass.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/ones_like.h>
#include <gtest/gtest.h>

#include "training_worlds.h"

namespace lodestone::testing {
using namespace distributed;
using namespace encoders;
using namespace engine;
namespace {

std::vector<at::Tensor> gradients(EncoderPass& pass, Encoder& encoder, const Batch& batch,
                                  const ForwardMode& mode) {
  const at::Tensor z_bD = pass.encode(batch.features, mode, batch.share, batch.global_rows);
  pass.backward(at::ones_like(z_bD));
  pass.reduce();
  std::vector<at::Tensor> all;
  for (const Parameter& parameter : encoder.parameters().learned())
    all.push_back(parameter.tensor.grad().clone());
  return all;
}

TEST(EncoderPass, ReplacesTheGradientsThatAreThere) {
  for (const PassOptions& options :
       {PassOptions{}, PassOptions{.micro_batch = 5}, PassOptions{.micro_shards = 4}})
    for (const int world : {1, 2})
      run_ranks(world, [&](const Group& group) {
        SCOPED_TRACE(::testing::Message() << "micro_batch " << options.micro_batch << ", micro_shards "
                                          << options.micro_shards << ", world " << world);
        Slot<Encoder> encoder(encoder_table(), "conv4");
        encoder->build({1, 16, 16}, 5);
        Batch batch = batch_of(0, {group.rank(), group.size(), options.micro_shards});
        batch.features = batch.features.to(at::kFloat);
        const ForwardMode mode = training_mode(group, BatchNormMode::kFrozen);
        const auto pass = make_encoder_pass(group, *encoder, options);
        const auto expected = gradients(*pass, *encoder, batch, mode);
        for (const Parameter& parameter : encoder->parameters().learned())
          parameter.tensor.mutable_grad() = at::full_like(parameter.tensor.detach(), 100);
        const auto found = gradients(*pass, *encoder, batch, mode);
        bool any = false;
        for (size_t i = 0; i < expected.size(); ++i) {
          any = any || expected[i].any().item<bool>();
          EXPECT_TRUE(at::allclose(found[i], expected[i])) << encoder->parameters().learned()[i].name;
        }
        EXPECT_TRUE(any);
      });
}

}  // namespace
}  // namespace lodestone::testing
