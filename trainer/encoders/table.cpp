#include <array>

#include "trainer/encoders/encoder.h"

namespace lodestone {

std::unique_ptr<Encoder> make_bag_of_tokens();
std::unique_ptr<Encoder> make_bert();
std::unique_ptr<Encoder> make_conv4();
std::unique_ptr<Encoder> make_mlp();
std::unique_ptr<Encoder> make_resnet18();
std::unique_ptr<Encoder> make_resnet34();
std::unique_ptr<Encoder> make_resnet50();
std::unique_ptr<Encoder> make_torchscript();
std::unique_ptr<Encoder> make_two_tower();
std::unique_ptr<Encoder> make_vit_base();
std::unique_ptr<Encoder> make_vit_small();
std::unique_ptr<Encoder> make_vit_tiny();

namespace {

// Pictures, then both kinds, then texts, so that each kind is one stretch.
constexpr TableRow<Encoder> kRows[] = {
    {"conv4", "pictures: blocks of 3x3 convolution, batch norm, ReLU, max pool", make_conv4},
    {"mlp", "pictures: linear layers with ReLU over the flattened picture", make_mlp},
    {"resnet18", "pictures: residual network, torchvision's", make_resnet18},
    {"resnet34", "pictures: residual network, torchvision's", make_resnet34},
    {"resnet50", "pictures: residual network with bottlenecks, torchvision's", make_resnet50},
    {"vit_tiny", "pictures: vision transformer of width 192, timm's", make_vit_tiny},
    {"vit_small", "pictures: vision transformer of width 384, timm's", make_vit_small},
    {"vit_base", "pictures: vision transformer of width 768, timm's or torchvision's", make_vit_base},
    {"torchscript", "pictures or texts: any TorchScript model", make_torchscript},
    {"bag_of_tokens", "texts: mean of token embeddings", make_bag_of_tokens},
    {"bert", "texts: transformer in BERT's layout, Hugging Face's", make_bert},
    {"two_tower", "pictures and texts: an encoder for each, and a common width", make_two_tower},
};
constexpr size_t kPictures = 9, kFirstText = 8, kTexts = 3;

}  // namespace

std::span<const TableRow<Encoder>> encoder_table() {
  return kRows;
}
std::span<const TableRow<Encoder>> picture_encoder_table() {
  return std::span(kRows).first(kPictures);
}
std::span<const TableRow<Encoder>> text_encoder_table() {
  return std::span(kRows).subspan(kFirstText, kTexts);
}

}  // namespace lodestone
