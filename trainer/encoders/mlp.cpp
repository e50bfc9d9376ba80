#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>

#include "trainer/encoders/encoder.h"

namespace lodestone::encoders {

namespace {

/// Linear layers with ReLU between them, over the flattened example.
class Mlp : public Encoder {
 public:
  void visit_architecture(Fields& f) override {
    f.field({.name = "hidden", .doc = "widths of the hidden layers", .min = 1, .max = 1048576}, &hidden_);
    f.field({.name = "embedding", .doc = "width of the embedding", .min = 1, .max = 65536}, &embedding_);
  }

  void make(const InputShape& input, Parameters& parameters) override {
    expect_images("mlp", input);
    int64_t in = input.channels * input.height * input.width;
    std::vector<int64_t> widths = hidden_;
    widths.push_back(embedding_);
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string prefix = "layers." + std::to_string(i);
      const bool last = i + 1 == widths.size();
      weights_.push_back(last ? parameters.uniform(prefix + ".weight", {widths[i], in})
                              : parameters.he_normal(prefix + ".weight", {widths[i], in}));
      biases_.push_back(parameters.constant(prefix + ".bias", {widths[i]}, 0));
      in = widths[i];
    }
  }

  at::Tensor forward(const Features& features, const ForwardMode&) override {
    at::Tensor x = features.pixels_nCHW.flatten(1);
    for (size_t i = 0; i < weights_.size(); ++i) {
      x = at::linear(x, weights_[i], biases_[i]);
      if (i + 1 < weights_.size()) x = at::relu(x);
    }
    return x;
  }

  int64_t output_dim() const override { return embedding_; }

 private:
  std::vector<int64_t> hidden_ = {256};
  int64_t embedding_ = 64;
  std::vector<at::Tensor> weights_, biases_;
};

}  // namespace

std::unique_ptr<Encoder> make_mlp() {
  return std::make_unique<Mlp>();
}

}  // namespace lodestone::encoders
