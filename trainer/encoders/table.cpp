#include "trainer/encoders/encoder.h"

namespace lodestone {

std::unique_ptr<Encoder> make_conv4();
std::unique_ptr<Encoder> make_mlp();

std::span<const TableRow<Encoder>> encoder_table() {
  static constexpr TableRow<Encoder> kRows[] = {
      {"conv4", "blocks of 3x3 convolution, batch norm, ReLU, max pool", make_conv4},
      {"mlp", "linear layers with ReLU over the flattened example", make_mlp},
  };
  return kRows;
}

}  // namespace lodestone
