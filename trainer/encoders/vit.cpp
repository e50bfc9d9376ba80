#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/_upsample_bicubic2d_aa.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>

#include "trainer/encoders/attention.h"
#include "trainer/encoders/head.h"
#include "trainer/encoders/pooling.h"
#include "trainer/encoders/recompute.h"

namespace lodestone::encoders {

namespace {

constexpr double kEpsilon = 1e-6;
constexpr double kDeviation = 0.02;

/// Weight and bias of a linear layer or a layer norm.
struct Pair {
  at::Tensor weight, bias;
  at::Tensor linear(const at::Tensor& x) const { return at::linear(x, weight, bias); }
  at::Tensor norm(const at::Tensor& x) const {
    return at::layer_norm(x, weight.sizes(), weight, bias, kEpsilon);
  }
};

Pair linear_pair(Parameters& parameters, const std::string& weight, const std::string& bias, int64_t out,
                 int64_t in) {
  return {parameters.normal(weight, {out, in}, kDeviation), parameters.constant(bias, {out}, 0)};
}

Pair norm_pair(Parameters& parameters, const std::string& prefix, int64_t width) {
  return {parameters.constant(prefix + ".weight", {width}, 1),
          parameters.constant(prefix + ".bias", {width}, 0)};
}

/// The names of the tensors in one format: `block` is followed by the block's number.
struct Names {
  const char *patch, *token, *position, *block, *norm1, *qkv_weight, *qkv_bias, *projection, *norm2, *mlp1,
      *mlp2, *norm;
};

constexpr Names kTimm = {"patch_embed.proj", "cls_token",        "pos_embed",      "blocks.",
                         ".norm1",           ".attn.qkv.weight", ".attn.qkv.bias", ".attn.proj",
                         ".norm2",           ".mlp.fc1",         ".mlp.fc2",       "norm"};
constexpr Names kTorchvision = {"conv_proj",
                                "class_token",
                                "encoder.pos_embedding",
                                "encoder.layers.encoder_layer_",
                                ".ln_1",
                                ".self_attention.in_proj_weight",
                                ".self_attention.in_proj_bias",
                                ".self_attention.out_proj",
                                ".ln_2",
                                ".mlp.0",
                                ".mlp.3",
                                "encoder.ln"};

struct VitBlock {
  Pair norm1, qkv, projection, norm2, mlp1, mlp2;
  std::vector<at::Tensor> parameters;

  VitBlock(Parameters& all, const Names& names, int64_t number, int64_t width) {
    const size_t first = all.learned().size();
    const std::string prefix = names.block + std::to_string(number);
    const auto linear = [&](const char* name, int64_t out, int64_t in) {
      return linear_pair(all, prefix + name + ".weight", prefix + name + ".bias", out, in);
    };
    norm1 = norm_pair(all, prefix + names.norm1, width);
    qkv = linear_pair(all, prefix + names.qkv_weight, prefix + names.qkv_bias, 3 * width, width);
    projection = linear(names.projection, width, width);
    norm2 = norm_pair(all, prefix + names.norm2, width);
    mlp1 = linear(names.mlp1, 4 * width, width);
    mlp2 = linear(names.mlp2, width, 4 * width);
    parameters = learned_since(all, first);
  }

  at::Tensor forward(const at::Tensor& x_nTD, int64_t heads, const ForwardMode& mode) const {
    const auto parts = qkv.linear(norm1.norm(x_nTD)).chunk(3, -1);
    const at::Tensor y_nTD =
        x_nTD + projection.linear(attention(parts[0], parts[1], parts[2], heads, {}, 0, 0, mode));
    return y_nTD + mlp2.linear(at::gelu(mlp1.linear(norm2.norm(y_nTD))));
  }
};

/// Vision transformer (Dosovitskiy et al. 2021), with the numerics of timm's vit_*_patch16_224 and of
/// torchvision's vit_b_16, under the names of either. Position embeddings of a file for another image or
/// patch size are resized as in timm: bicubic with antialiasing.
class Vit : public Encoder {
 public:
  Vit(std::string name, int64_t width, int64_t heads)
      : name_(std::move(name)), width_(width), heads_(heads) {}

  void visit_architecture(Fields& f) override {
    f.field({.name = "patch_size",
             .doc = "side of a patch; the sides of images are multiples of it",
             .unit = "pixels",
             .min = 1,
             .max = 1024},
            &patch_size_);
    f.field({.name = "layers", .doc = "transformer blocks", .min = 1, .max = 256}, &layers_);
    f.choice(
        {.name = "pooling",
         .doc =
             "cls: the class token; mean: mean of the patches; gem: generalised mean of the patches with a "
             "learned exponent"},
        &pooling_, {{"cls", Pooling::kCls}, {"mean", Pooling::kMean}, {"gem", Pooling::kGem}});
    f.choice(
        {.name = "names", .doc = "library whose parameter names are used, so that its files can be loaded"},
        &names_, {{"timm", &kTimm}, {"torchvision", &kTorchvision}});
    f.nested({.name = "head", .doc = "layers from the pooled features to the embedding"}, head_config_);
  }

  at::Tensor forward(const Features& features, const ForwardMode& mode) override {
    at::Tensor x_nTD =
        at::conv2d(features.pixels_nCHW, patch_.weight, patch_.bias, patch_size_).flatten(2).transpose(1, 2);
    // Not expand: the number of rows must stay variable in a trace.
    x_nTD = at::cat({token_11D.expand_as(x_nTD.narrow(1, 0, 1)), x_nTD}, 1) + position_1TD;
    for (const auto& block : blocks_)
      x_nTD =
          run_block([&block, heads = heads_](const at::Tensor& x,
                                             const ForwardMode& how) { return block.forward(x, heads, how); },
                    x_nTD, block.parameters, mode);
    x_nTD = norm_.norm(x_nTD);
    if (pooling_ == Pooling::kCls) return head_.forward(x_nTD.select(1, 0), mode);
    const at::Tensor patches_nTD = x_nTD.narrow(1, 1, x_nTD.size(1) - 1);
    return head_.forward(pooling_ == Pooling::kMean
                             ? patches_nTD.mean(1)
                             : generalized_mean(patches_nTD.transpose(1, 2), exponent_1),
                         mode);
  }

  int64_t output_dim() const override { return head_.output_dim(); }
  bool can_recompute() const override { return true; }

 protected:
  void make(const InputShape& input, Parameters& parameters) override {
    expect_images(name_, input);
    if (input.height % patch_size_ != 0 || input.width % patch_size_ != 0)
      throw ConfigError(name_ + ": expected images whose sides are multiples of patch_size " +
                        std::to_string(patch_size_) + ", got " + std::to_string(input.height) + "x" +
                        std::to_string(input.width) +
                        "; change data.image.height and width, or encoder.patch_size");
    const Names& names = *names_;
    rows_ = input.height / patch_size_;
    columns_ = input.width / patch_size_;
    position_name_ = names.position;
    const std::string patch = names.patch;
    patch_ = {
        parameters.normal(patch + ".weight", {width_, input.channels, patch_size_, patch_size_}, kDeviation),
        parameters.constant(patch + ".bias", {width_}, 0)};
    token_11D = parameters.normal(names.token, {1, 1, width_}, kDeviation, /*decays=*/false);
    position_1TD =
        parameters.normal(names.position, {1, 1 + rows_ * columns_, width_}, kDeviation, /*decays=*/false);
    for (int64_t i = 0; i < layers_; ++i) blocks_.emplace_back(parameters, names, i, width_);
    norm_ = norm_pair(parameters, names.norm, width_);
    if (pooling_ == Pooling::kGem) exponent_1 = parameters.constant("pool.p", {1}, 3);
    head_ = Head(parameters, head_config_, width_);
  }

  at::Tensor adapted(const std::string& name, const at::Tensor& value) const override {
    if (name != position_name_ || value.dim() != 3 || value.size(0) != 1 || value.size(2) != width_)
      return value;
    const int64_t side = std::llround(std::sqrt(static_cast<double>(value.size(1) - 1)));
    if (side < 1 || side * side != value.size(1) - 1 || (side == rows_ && side == columns_)) return value;
    const at::Tensor grid =
        value.narrow(1, 1, side * side).to(at::kFloat).reshape({1, side, side, width_}).permute({0, 3, 1, 2});
    const at::Tensor resized = at::_upsample_bicubic2d_aa(grid, {rows_, columns_}, /*align_corners=*/false);
    return at::cat({value.narrow(1, 0, 1).to(at::kFloat),
                    resized.permute({0, 2, 3, 1}).reshape({1, rows_ * columns_, width_})},
                   1);
  }

 private:
  std::string name_;
  int64_t width_, heads_;
  int64_t patch_size_ = 16, layers_ = 12;
  Pooling pooling_ = Pooling::kCls;
  const Names* names_ = &kTimm;
  HeadConfig head_config_;
  int64_t rows_ = 0, columns_ = 0;
  std::string position_name_;
  Pair patch_, norm_;
  at::Tensor token_11D, position_1TD, exponent_1;
  std::vector<VitBlock> blocks_;
  Head head_;
};

}  // namespace

std::unique_ptr<Encoder> make_vit_tiny() {
  return std::make_unique<Vit>("vit_tiny", 192, 3);
}
std::unique_ptr<Encoder> make_vit_small() {
  return std::make_unique<Vit>("vit_small", 384, 6);
}
std::unique_ptr<Encoder> make_vit_base() {
  return std::make_unique<Vit>("vit_base", 768, 12);
}

}  // namespace lodestone::encoders
