#include <iostream>

#include <ATen/ops/ones.h>
#include <lodestone/trainer/encoders/encoder.h>
#include <lodestone/trainer/losses/loss.h>

int main() {
  lodestone::Slot<lodestone::encoders::Encoder> encoder(lodestone::encoders::encoder_table(), "conv4");
  encoder->build({.channels = 1, .height = 28, .width = 28}, /*seed=*/1);
  const at::Tensor z_bD = encoder->forward(at::ones({3, 1, 28, 28}), {});
  for (const auto& loss : lodestone::losses::loss_table()) std::cout << loss.name << '\n';
  std::cout << "embeddings " << z_bD.size(0) << " x " << z_bD.size(1) << '\n';
}
