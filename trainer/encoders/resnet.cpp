#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/mean.h>

#include "trainer/encoders/batch_norm.h"
#include "trainer/encoders/channels_last.h"
#include "trainer/encoders/convolution.h"
#include "trainer/encoders/head.h"
#include "trainer/encoders/pooling.h"
#include "trainer/encoders/recompute.h"

namespace lodestone::encoders {

namespace {

enum class Stem { kStandard, kSmall };

/// A convolution without bias and its batch norm.
class NormedConvolution {
 public:
  NormedConvolution(Parameters& parameters, const std::string& convolution, const std::string& norm,
                    int64_t in, int64_t out, int64_t size, int64_t stride)
      : convolution_(parameters.he_normal_out(convolution + ".weight", {out, in, size, size}), stride,
                     size / 2),
        norm_(parameters, norm, out) {}
  at::Tensor forward(const at::Tensor& x_bCHW, const ForwardMode& mode) const {
    return norm_.forward(convolution_.forward(x_bCHW), mode);
  }
  /// relu(forward(x) + residual); the residual may be undefined.
  at::Tensor relu(const at::Tensor& x_bCHW, const ForwardMode& mode,
                  const at::Tensor& residual_bCHW = {}) const {
    return norm_.relu(convolution_.forward(x_bCHW), mode, residual_bCHW);
  }
  void hold() {
    convolution_.hold();
    norm_.hold();
  }

 private:
  Convolution convolution_;
  BatchNorm norm_;
};

/// One residual block: relu(units(x) + shortcut(x)), with ReLU between the units.
struct ResidualBlock {
  std::vector<NormedConvolution> units;
  std::vector<NormedConvolution> shortcut;  ///< empty: x itself
  std::vector<at::Tensor> parameters;

  at::Tensor forward(const at::Tensor& x, const ForwardMode& mode) const {
    at::Tensor y = x;
    for (size_t i = 0; i + 1 < units.size(); ++i) y = units[i].relu(y, mode);
    return units.back().relu(y, mode, shortcut.empty() ? x : shortcut.front().forward(x, mode));
  }
};

/// Residual networks (He et al. 2016), with torchvision's names and numerics; a bottleneck has its stride in
/// the 3×3 convolution.
class ResNet : public Encoder {
 public:
  ResNet(std::string name, std::vector<int64_t> depths, bool bottleneck)
      : name_(std::move(name)), depths_(std::move(depths)), bottleneck_(bottleneck) {
    head_config_.kind = HeadKind::kLinear;
  }

  void visit_architecture(Fields& f) override {
    f.choice(
        {.name = "stem",
         .doc =
             "standard: 7x7 convolution of stride 2 and max pool; small: 3x3 of stride 1, for images of 28 "
             "to 64 pixels"},
        &stem_, {{"standard", Stem::kStandard}, {"small", Stem::kSmall}});
    f.field(
        {.name = "width", .doc = "channels of the first stage; torchvision's have 64", .min = 1, .max = 4096},
        &width_);
    f.choice({.name = "pooling",
              .doc = "pooling of the last feature map: mean, or generalised mean with a learned exponent"},
             &pooling_, {{"mean", Pooling::kMean}, {"gem", Pooling::kGem}});
    f.nested({.name = "head", .doc = "layers from the pooled features to the embedding"}, head_config_);
  }

  at::Tensor forward(const Features& features, const ForwardMode& mode) override {
    at::Tensor x = channels_last(features.pixels_nCHW);
    x = first_.front().relu(x, mode);
    if (stem_ == Stem::kStandard) x = at::max_pool2d(x, 3, 2, 1);
    for (const auto& block : blocks_)
      x = run_block([&block](const at::Tensor& y, const ForwardMode& how) { return block.forward(y, how); },
                    x, block.parameters, mode);
    x = pooling_ == Pooling::kGem ? generalized_mean(x, exponent_1) : x.mean(at::IntArrayRef{2, 3});
    return head_.forward(x, mode);
  }

  int64_t output_dim() const override { return head_.output_dim(); }
  bool can_recompute() const override { return true; }

  void hold_weights() override {
    for (auto& first : first_) first.hold();
    for (auto& block : blocks_)
      for (auto* convolutions : {&block.units, &block.shortcut})
        for (auto& convolution : *convolutions) convolution.hold();
  }

 protected:
  void make(const InputShape& input, Parameters& parameters) override {
    expect_images(name_, input);
    const bool small = stem_ == Stem::kSmall;
    first_.emplace_back(parameters, "conv1", "bn1", input.channels, width_, small ? 3 : 7, small ? 1 : 2);
    int64_t in = width_;
    for (size_t stage = 0; stage < depths_.size(); ++stage)
      for (int64_t i = 0; i < depths_[stage]; ++i) {
        const std::string prefix = "layer" + std::to_string(stage + 1) + "." + std::to_string(i);
        in = add_block(parameters, prefix, in, width_ << stage, stage > 0 && i == 0 ? 2 : 1);
      }
    if (pooling_ == Pooling::kGem) exponent_1 = parameters.constant("pool.p", {1}, 3);
    head_ = Head(parameters, head_config_, in);
  }

 private:
  // Returns the block's output channels.
  int64_t add_block(Parameters& parameters, const std::string& prefix, int64_t in, int64_t width,
                    int64_t stride) {
    const size_t first = parameters.learned().size();
    const int64_t out = bottleneck_ ? 4 * width : width;
    ResidualBlock block;
    const auto unit = [&](int number, int64_t from, int64_t to, int64_t size, int64_t step) {
      const std::string n = std::to_string(number);
      block.units.emplace_back(parameters, prefix + ".conv" + n, prefix + ".bn" + n, from, to, size, step);
    };
    if (bottleneck_) {
      unit(1, in, width, 1, 1);
      unit(2, width, width, 3, stride);
      unit(3, width, out, 1, 1);
    } else {
      unit(1, in, width, 3, stride);
      unit(2, width, width, 3, 1);
    }
    if (stride != 1 || in != out)
      block.shortcut.emplace_back(parameters, prefix + ".downsample.0", prefix + ".downsample.1", in, out, 1,
                                  stride);
    block.parameters = learned_since(parameters, first);
    blocks_.push_back(std::move(block));
    return out;
  }

  std::string name_;
  std::vector<int64_t> depths_;
  bool bottleneck_;
  Stem stem_ = Stem::kStandard;
  Pooling pooling_ = Pooling::kMean;
  int64_t width_ = 64;
  HeadConfig head_config_;
  std::vector<NormedConvolution> first_;
  std::vector<ResidualBlock> blocks_;
  at::Tensor exponent_1;
  Head head_;
};

}  // namespace

std::unique_ptr<Encoder> make_resnet18() {
  return std::make_unique<ResNet>("resnet18", std::vector<int64_t>{2, 2, 2, 2}, false);
}
std::unique_ptr<Encoder> make_resnet34() {
  return std::make_unique<ResNet>("resnet34", std::vector<int64_t>{3, 4, 6, 3}, false);
}
std::unique_ptr<Encoder> make_resnet50() {
  return std::make_unique<ResNet>("resnet50", std::vector<int64_t>{3, 4, 6, 3}, true);
}

}  // namespace lodestone::encoders
