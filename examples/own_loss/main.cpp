// The program `lodestone` with a loss and an encoder of our own:  own_loss train own.yaml
#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linear.h>
#include <lodestone/trainer/commands/main.h>
#include <lodestone/trainer/losses/reduction.h>

using namespace lodestone;
using at::Tensor;

/// L = mean over anchors of (Σ over negatives of v² + weight · Σ over positives of (1 - v)²), v a similarity.
class SquareLoss : public losses::PairLoss {
  void visit(Fields& f) override {
    f.field({.name = "weight", .doc = "weight of the positives", .min = 0, .max = 1000}, &weight_);
  }
  losses::Measure measure() const override { return losses::Measure::kSimilarity; }
  losses::Sum negative_sum() const override { return losses::Sum::kPlain; }
  void negative_term(Tensor& value_rc) const override { value_rc.square_(); }
  void multiply_slope(const Tensor& value_rc, Tensor& weight_rc) const override {
    weight_rc.mul_(value_rc).mul_(2);
  }
  std::vector<losses::Sum> positive_sums() const override { return {losses::Sum::kPlain}; }
  Tensor positive_terms(const Tensor& value_p, const Tensor&, const Tensor&) const override {
    return (weight_ * (1 - value_p).square()).unsqueeze(1);
  }
  losses::Terms terms(const losses::AnchorSums& sums) const override {
    const Tensor sum = sums.negative_a.sum() + sums.positive_ak.sum();
    return losses::mean_terms(sum, at::full_like(sum, sums.negative_a.size(0)));
  }
  Tensor oracle(const Tensor& value_ac, const Tensor& positive_ac, const Tensor& negative_ac) const override {
    const Tensor terms_ac = value_ac.square() * negative_ac + weight_ * (1 - value_ac).square() * positive_ac;
    return terms_ac.sum() / value_ac.size(0);
  }
  double weight_ = 1;
};

/// One linear layer over the flattened image.
class OneLayer : public encoders::Encoder {
  void visit_architecture(Fields& f) override {
    f.field({.name = "width", .doc = "columns", .min = 1}, &width_);
  }
  void make(const encoders::InputShape& input, encoders::Parameters& parameters) override {
    encoders::expect_images("one_layer", input);
    weight_ = parameters.uniform("weight", {width_, input.channels * input.height * input.width});
  }
  Tensor forward(const Features& x, const encoders::ForwardMode&) override {
    return at::linear(x.pixels_nCHW.flatten(1), weight_);
  }
  int64_t output_dim() const override { return width_; }
  int64_t width_ = 16;
  Tensor weight_;
};

int main(int argc, char** argv) {
  run::Extensions own;
  own.losses = {{.name = "square", .doc = "similarity 1 or 0", .make = make_row<losses::Loss, SquareLoss>}};
  const auto make_layer = make_row<encoders::Encoder, OneLayer>;
  own.encoders = {{.name = "one_layer", .doc = "images: one layer", .make = make_layer, .images = true}};
  return lodestone::main(argc, argv, own);
}
