#include <vector>

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

struct Row {
  TableRow<Encoder> row;
  bool images, texts;  ///< what it can read as a tower of two_tower
};

constexpr Row kRows[] = {
    {{"conv4", "pictures: blocks of 3x3 convolution, batch norm, ReLU, max pool", make_conv4}, true, false},
    {{"mlp", "pictures: linear layers with ReLU over the flattened picture", make_mlp}, true, false},
    {{"resnet18", "pictures: residual network, torchvision's", make_resnet18}, true, false},
    {{"resnet34", "pictures: residual network, torchvision's", make_resnet34}, true, false},
    {{"resnet50", "pictures: residual network with bottlenecks, torchvision's", make_resnet50}, true, false},
    {{"vit_tiny", "pictures: vision transformer of width 192, timm's", make_vit_tiny}, true, false},
    {{"vit_small", "pictures: vision transformer of width 384, timm's", make_vit_small}, true, false},
    {{"vit_base", "pictures: vision transformer of width 768, timm's or torchvision's", make_vit_base},
     true,
     false},
    {{"torchscript", "pictures or texts: any TorchScript model", make_torchscript}, true, true},
    {{"bag_of_tokens", "texts: mean of token embeddings", make_bag_of_tokens}, false, true},
    {{"bert", "texts: transformer in BERT's layout, Hugging Face's", make_bert}, false, true},
    {{"two_tower", "pictures and texts: an encoder for each, and a common width", make_two_tower},
     false,
     false},
};

template <typename Keep>
std::vector<TableRow<Encoder>> rows_that(Keep keep) {
  std::vector<TableRow<Encoder>> rows;
  for (const Row& row : kRows)
    if (keep(row)) rows.push_back(row.row);
  return rows;
}

}  // namespace

std::span<const TableRow<Encoder>> encoder_table() {
  static const auto rows = rows_that([](const Row&) { return true; });
  return rows;
}
std::span<const TableRow<Encoder>> picture_encoder_table() {
  static const auto rows = rows_that([](const Row& row) { return row.images; });
  return rows;
}
std::span<const TableRow<Encoder>> text_encoder_table() {
  static const auto rows = rows_that([](const Row& row) { return row.texts; });
  return rows;
}

}  // namespace lodestone
