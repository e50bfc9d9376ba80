// Examples of the mathematics and of the training step.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "examples/square_loss.h"
#include "examples/work_folder.h"
#include "sampler/image_examples.h"
#include "sampler/loader.h"
#include "sampler/samplers/pk_sampler.h"
#include "sampler/sources/image_source.h"
#include "trainer/encoders/exported/program.h"
#include "trainer/engine/encoder_pass.h"
#include "trainer/engine/trainer.h"
#include "trainer/negatives/global_batch.h"

namespace lodestone::testing {
using namespace engine;
using namespace negatives;
namespace {

TEST(Example, GlobalBatchAndPairLoss) {
  // Example of trainer/negatives/global_batch.h
  Slot<losses::Loss> loss(losses::loss_table(), "infonce");
  Slot<miners::Miner> miner(miners::miner_table(), "all");
  const at::Tensor z_bD = at::randn({6, 8});  // this rank's embeddings: b = 6, D = 8
  const at::Tensor label_b = at::tensor({0, 0, 1, 1, 2, 2}, at::kLong), id_b = at::arange(6);
  const LocalRows rows{z_bD, label_b, label_b, id_b};
  const StepLoss step = global_batch_loss(distributed::single_group(), rows, {*loss, *miner});
  // step.loss: a double, the same on every rank; step.gradient_bD: [6, 8], where backward continues
  // End
  EXPECT_GT(step.loss, 0);
  EXPECT_EQ(step.gradient_bD.sizes(), z_bD.sizes());

  const losses::SquareLoss square;
  const at::Tensor u_bD = z_bD / z_bD.norm(2, 1, /*keepdim=*/true), value_bb = u_bD.matmul(u_bD.t());
  const at::Tensor same_bb = label_b.unsqueeze(1).eq(label_b), self_bb = id_b.unsqueeze(1).eq(id_b);
  const at::Tensor naive = static_cast<const losses::Loss&>(square).oracle(
      value_bb, same_bb.logical_and(self_bb.logical_not()).to(at::kFloat),
      same_bb.logical_not().to(at::kFloat));
  const double exact = global_batch_loss(distributed::single_group(), rows, {square, *miner}).loss;
  EXPECT_NEAR(exact, naive.item<double>(), 1e-5);
}

TEST(Example, Encoder) {
  using namespace encoders;
  // Example of trainer/encoders/encoder.h
  Slot<Encoder> encoder(encoder_table(), "resnet18");
  encoder->build({3, 32, 32}, 7);  // RGB images of 32 × 32 pixels, seed 7
  Features x;
  x.pixels_nCHW = at::rand({8, 3, 32, 32});
  const at::Tensor z_bD = encoder->forward(x, {});  // [8, encoder->output_dim()], not normalised
  // End
  EXPECT_EQ(z_bD.size(0), 8);
  EXPECT_EQ(z_bD.size(1), encoder->output_dim());
}

TEST(Example, ExportedProgram) {
  using namespace encoders;
  using namespace encoders::exported;
  const WorkFolder work;
  std::filesystem::copy_file(LODESTONE_TESTS_FOLDER "/encoders/programs/convolutions.pt2", "encoder.pt2");
  const at::Tensor pixels_nCHW = at::rand({2, 1, 16, 16});
  // Example of trainer/encoders/exported/program.h
  Program program(ExportFile("encoder.pt2", read_file("encoder.pt2")), "model");
  ForwardMode mode;  // evaluation
  const auto results = program.run({pixels_nCHW}, mode);
  // End
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].size(0), 2);
}

/// Loads batches of 16 photos of 28 × 28 pixels.
std::unique_ptr<sampler::Loader> photo_loader() {
  draw_photos();
  const sampler::ImageTransform transform({.width = 28, .height = 28}, 1);
  const auto images = sampler::open_images({.path = "photos"}, transform.decode_options());
  const auto examples = std::make_shared<sampler::ImageExamples>(images, transform);
  const auto order = std::make_shared<sampler::PkSampler>(images, sampler::PkConfig{}, 16, 1);
  return std::make_unique<sampler::Loader>(examples, order, sampler::Shard{0, 1}, sampler::LoaderConfig{}, 1);
}

TEST(Example, EncoderPass) {
  const WorkFolder work;
  const sampler::Batch batch = photo_loader()->next();
  const distributed::Group world = distributed::single_group();
  Slot<encoders::Encoder> slot(encoders::encoder_table(), "mlp");
  Slot<losses::Loss> loss_slot(losses::loss_table(), "supcon");
  Slot<miners::Miner> miner(miners::miner_table(), "all");
  slot->build({1, 28, 28}, 7);
  encoders::Encoder& encoder = *slot;
  const negatives::Objective objective{*loss_slot, *miner};
  const Features& x = batch.features;
  const auto mode = training_mode(world, encoders::BatchNormMode::kLocal);
  const at::Tensor label_b = at::tensor(batch.labels), group_b = at::tensor(batch.groups),
                   id_b = at::tensor(batch.ids);
  // Example of trainer/engine/encoder_pass.h
  const auto pass = make_encoder_pass(world, encoder, {});
  const at::Tensor z_bD = pass->encode(x, mode, batch.share, batch.global_rows);
  const auto rows = pass->rows_for_loss({z_bD, label_b, group_b, id_b}, batch.share, batch.global_rows);
  const negatives::StepLoss loss = negatives::global_batch_loss(pass->loss_world(), rows.rows, objective);
  pass->backward(pass->own_part(loss.gradient_bD, batch.share));
  pass->reduce();  // the parameters' gradients are now those of the global batch
  // End
  for (const auto& parameter : encoder.parameters().learned())
    EXPECT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
}

TEST(Example, Trainer) {
  const WorkFolder work;
  const auto made = photo_loader();
  sampler::Loader& loader = *made;
  // Example of trainer/engine/trainer.h
  // loader: a sampler::Loader (sampler/loader.h) of greyscale images of 28 × 28 pixels
  Slot<encoders::Encoder> encoder(encoders::encoder_table(), "conv4");
  Slot<losses::Loss> loss(losses::loss_table(), "infonce");
  Slot<miners::Miner> miner(miners::miner_table(), "all");
  encoder->build({1, 28, 28}, 7);  // seed 7
  TrainerConfig config;
  config.schedule.steps = 20;
  Trainer trainer(distributed::single_group(), at::kCPU, *encoder, {*loss, *miner}, config);
  while (!trainer.finished()) {
    const StepMetrics step = trainer.step(loader.next(), 0);  // b images
    const at::Tensor& z_bD = trainer.embeddings();            // [b, encoder->output_dim()]
  }
  // End
  EXPECT_EQ(trainer.steps_done(), 20);
  EXPECT_EQ(trainer.embeddings().size(1), encoder->output_dim());
}

}  // namespace
}  // namespace lodestone::testing
