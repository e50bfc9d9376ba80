#include <algorithm>
#include <vector>

#include "trainer/encoders/encoder.h"
#include "trainer/encoders/two_tower.h"

namespace lodestone::encoders {

std::unique_ptr<Encoder> make_bag_of_tokens();
std::unique_ptr<Encoder> make_bert();
std::unique_ptr<Encoder> make_conv4();
std::unique_ptr<Encoder> make_exported();
std::unique_ptr<Encoder> make_mlp();
std::unique_ptr<Encoder> make_resnet18();
std::unique_ptr<Encoder> make_resnet34();
std::unique_ptr<Encoder> make_resnet50();
std::unique_ptr<Encoder> make_torchscript();
std::unique_ptr<Encoder> make_vit_base();
std::unique_ptr<Encoder> make_vit_small();
std::unique_ptr<Encoder> make_vit_tiny();

namespace {

std::vector<TableRow<Encoder>> single_encoders() {
  return {
      {.name = "conv4",
       .doc = "images: blocks of 3x3 convolution, batch norm, ReLU, max pool",
       .make = make_conv4,
       .images = true},
      {.name = "mlp",
       .doc = "images: linear layers with ReLU over the flattened image",
       .make = make_mlp,
       .images = true},
      {.name = "resnet18",
       .doc = "images: residual network, torchvision's",
       .make = make_resnet18,
       .images = true},
      {.name = "resnet34",
       .doc = "images: residual network, torchvision's",
       .make = make_resnet34,
       .images = true},
      {.name = "resnet50",
       .doc = "images: residual network with bottlenecks, torchvision's",
       .make = make_resnet50,
       .images = true},
      {.name = "vit_tiny",
       .doc = "images: vision transformer of width 192, timm's",
       .make = make_vit_tiny,
       .images = true},
      {.name = "vit_small",
       .doc = "images: vision transformer of width 384, timm's",
       .make = make_vit_small,
       .images = true},
      {.name = "vit_base",
       .doc = "images: vision transformer of width 768, timm's or torchvision's",
       .make = make_vit_base,
       .images = true},
      {.name = "torchscript",
       .doc = "images or texts: any TorchScript model",
       .make = make_torchscript,
       .images = true,
       .texts = true},
      {.name = "exported",
       .doc = "images or texts: any PyTorch model, as torch.export.save writes it",
       .make = make_exported,
       .images = true,
       .texts = true},
      {.name = "bag_of_tokens",
       .doc = "texts: mean of token embeddings",
       .make = make_bag_of_tokens,
       .texts = true},
      {.name = "bert",
       .doc = "texts: transformer in BERT's layout, Hugging Face's",
       .make = make_bert,
       .texts = true},
  };
}

}  // namespace

std::span<const TableRow<Encoder>> encoder_table() {
  static const auto rows = encoder_table_with({});
  return rows;
}

std::vector<TableRow<Encoder>> encoder_table_with(std::span<const TableRow<Encoder>> added) {
  std::vector<TableRow<Encoder>> all = single_encoders();
  auto towers = std::make_shared<Towers>();
  const auto add_tower = [&](const TableRow<Encoder>& row) {
    if (row.images) towers->image.push_back(row);
    if (row.texts) towers->text.push_back(row);
  };
  std::for_each(all.begin(), all.end(), add_tower);
  std::for_each(added.begin(), added.end(), add_tower);
  // Made from the others.
  all.push_back({.name = "two_tower",
                 .doc = "images and texts: an encoder for each, and a common width",
                 .make = [towers] { return make_two_tower(towers); }});
  all.insert(all.end(), added.begin(), added.end());
  return all;
}

}  // namespace lodestone::encoders
