#include <ATen/ops/linear.h>
#include <ATen/ops/mean.h>

#include "trainer/encoders/batch_norm.h"
#include "trainer/encoders/channels_last.h"
#include "trainer/encoders/convolution.h"
#include "trainer/encoders/encoder.h"
#include "trainer/encoders/pooling.h"

namespace lodestone::encoders {

namespace {

/// The small network of the one-shot literature (Koch et al. 2015; Vinyals et al. 2016): blocks of [3×3
/// convolution, batch norm, ReLU, 2×2 max pool], then a linear layer from the features, flattened or averaged
/// over the image, to the embedding.
class Conv4 : public Encoder {
 public:
  void visit_architecture(Fields& f) override {
    f.field({.name = "channels",
             .doc = "output channels of each block; its length is the number of blocks",
             .min = 1,
             .max = 4096},
            &channels_);
    f.field({.name = "embedding",
             .doc = "width of the embedding; 0: the last block's features are the embedding",
             .min = 0,
             .max = 65536},
            &embedding_);
    f.choice({.name = "pooling", .doc = "pooling of the last block's feature map"}, &pooling_,
             {{"flatten", Pooling::kFlatten}, {"mean", Pooling::kMean}});
  }

  void make(const InputShape& input, Parameters& parameters) override {
    expect_images("conv4", input);
    int64_t in = input.channels, height = input.height, width = input.width;
    for (size_t i = 0; i < channels_.size(); ++i) {
      if (height < 2 || width < 2)
        throw ConfigError("conv4: expected images of at least 2^blocks pixels a side, got " +
                          std::to_string(input.height) + "x" + std::to_string(input.width) + " for " +
                          std::to_string(channels_.size()) +
                          " blocks; enlarge data.image.width and height or shorten encoder.channels");
      const std::string prefix = "blocks." + std::to_string(i);
      convolutions_.emplace_back(parameters.uniform(prefix + ".conv.weight", {channels_[i], in, 3, 3}), 1, 1);
      norms_.emplace_back(parameters, prefix + ".bn", channels_[i]);
      in = channels_[i];
      height /= 2;
      width /= 2;
    }
    features_ = pooling_ == Pooling::kFlatten ? in * height * width : in;
    if (embedding_ > 0) {
      weight_ = parameters.uniform("head.weight", {embedding_, features_});
      bias_ = parameters.constant("head.bias", {embedding_}, 0);
    }
  }

  at::Tensor forward(const Features& features, const ForwardMode& mode) override {
    at::Tensor x = channels_last(features.pixels_nCHW);
    for (size_t i = 0; i < convolutions_.size(); ++i) {
      x = norms_[i].pool_relu(convolutions_[i].forward(x), mode);
    }
    x = pooling_ == Pooling::kFlatten ? x.flatten(1) : x.mean(at::IntArrayRef{2, 3});
    return embedding_ > 0 ? at::linear(x, weight_, bias_) : x;
  }

  int64_t output_dim() const override { return embedding_ > 0 ? embedding_ : features_; }

  void hold_weights() override {
    for (Convolution& convolution : convolutions_) convolution.hold();
    for (BatchNorm& norm : norms_) norm.hold();
  }

 private:
  std::vector<int64_t> channels_ = {64, 64, 64, 64};
  int64_t embedding_ = 64;
  Pooling pooling_ = Pooling::kFlatten;
  int64_t features_ = 0;
  std::vector<Convolution> convolutions_;
  std::vector<BatchNorm> norms_;
  at::Tensor weight_, bias_;
};

}  // namespace

std::unique_ptr<Encoder> make_conv4() {
  return std::make_unique<Conv4>();
}

}  // namespace lodestone::encoders
