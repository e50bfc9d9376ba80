#include <algorithm>
#include <vector>

#include "trainer/encoders/encoder.h"
#include "trainer/encoders/two_tower.h"

namespace lodestone {

std::unique_ptr<Encoder> make_bag_of_tokens();
std::unique_ptr<Encoder> make_bert();
std::unique_ptr<Encoder> make_conv4();
std::unique_ptr<Encoder> make_mlp();
std::unique_ptr<Encoder> make_resnet18();
std::unique_ptr<Encoder> make_resnet34();
std::unique_ptr<Encoder> make_resnet50();
std::unique_ptr<Encoder> make_torchscript();
std::unique_ptr<Encoder> make_vit_base();
std::unique_ptr<Encoder> make_vit_small();
std::unique_ptr<Encoder> make_vit_tiny();

std::span<const TableRow<Encoder>> encoder_table() {
  static const auto rows = encoder_table_with({});
  return rows;
}

std::vector<TableRow<Encoder>> encoder_table_with(std::span<const TableRow<Encoder>> added) {
  std::vector<TableRow<Encoder>> all = {
      {"conv4", "pictures: blocks of 3x3 convolution, batch norm, ReLU, max pool", make_conv4,
       /*images=*/true},
      {"mlp", "pictures: linear layers with ReLU over the flattened picture", make_mlp, /*images=*/true},
      {"resnet18", "pictures: residual network, torchvision's", make_resnet18, /*images=*/true},
      {"resnet34", "pictures: residual network, torchvision's", make_resnet34, /*images=*/true},
      {"resnet50", "pictures: residual network with bottlenecks, torchvision's", make_resnet50,
       /*images=*/true},
      {"vit_tiny", "pictures: vision transformer of width 192, timm's", make_vit_tiny, /*images=*/true},
      {"vit_small", "pictures: vision transformer of width 384, timm's", make_vit_small, /*images=*/true},
      {"vit_base", "pictures: vision transformer of width 768, timm's or torchvision's", make_vit_base,
       /*images=*/true},
      {"torchscript", "pictures or texts: any TorchScript model", make_torchscript, /*images=*/true,
       /*texts=*/true},
      {"bag_of_tokens", "texts: mean of token embeddings", make_bag_of_tokens, /*images=*/false,
       /*texts=*/true},
      {"bert", "texts: transformer in BERT's layout, Hugging Face's", make_bert, /*images=*/false,
       /*texts=*/true},
  };
  auto towers = std::make_shared<Towers>();
  const auto add_tower = [&](const TableRow<Encoder>& row) {
    if (row.images) towers->image.push_back(row);
    if (row.texts) towers->text.push_back(row);
  };
  std::for_each(all.begin(), all.end(), add_tower);
  std::for_each(added.begin(), added.end(), add_tower);
  // Made from the others.
  all.push_back({"two_tower", "pictures and texts: an encoder for each, and a common width",
                 [towers] { return make_two_tower(towers); }});
  all.insert(all.end(), added.begin(), added.end());
  return all;
}

}  // namespace lodestone
