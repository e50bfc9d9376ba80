// The program `lodestone` with a loss and an encoder of our own:  own_loss train own.yaml, own_loss embed RUN ...
#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linear.h>
#include <lodestone/trainer/commands/main.h>
#include <lodestone/trainer/losses/reduction.h>

using namespace lodestone;

namespace {

/// L = mean over anchors of (Σ over negatives of v² + weight · Σ over positives of (1 - v)²), v the similarity.
class SquareLoss : public PairLoss {
  void visit(Fields& f) override {
    f.field({.name = "weight", .doc = "of the positives", .min = 0, .max = 1000}, &weight_);
  }
  Measure measure() const override { return Measure::kSimilarity; }
  Sum negative_sum() const override { return Sum::kPlain; }
  void negative_term(at::Tensor& value_rc) const override { value_rc.square_(); }
  void multiply_slope(const at::Tensor& value_rc, at::Tensor& weight_rc) const override {
    weight_rc.mul_(value_rc).mul_(2);
  }
  std::vector<Sum> positive_sums() const override { return {Sum::kPlain}; }
  at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor&, const at::Tensor&) const override {
    return (weight_ * (1 - value_p).square()).unsqueeze(1);
  }
  Terms terms(const AnchorSums& sums) const override {
    const at::Tensor sum = sums.negative_a.sum() + sums.positive_ak.sum();
    return mean_terms(sum, at::full_like(sum, sums.negative_a.size(0)));
  }
  at::Tensor reference(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                       const at::Tensor& negative_ac) const override {
    const at::Tensor sum_ac =
        value_ac.square() * negative_ac + weight_ * (1 - value_ac).square() * positive_ac;
    return sum_ac.sum() / value_ac.size(0);
  }
  double weight_ = 1;
};

/// One linear layer over the flattened image.
class OneLayer : public Encoder {
  void visit_architecture(Fields& f) override {
    f.field({.name = "width", .doc = "of the embedding", .min = 1}, &width_);
  }
  void make(const InputShape& input, Parameters& parameters) override {
    expect_pictures("one_layer", input);
    weight_ = parameters.uniform("weight", {width_, input.channels * input.height * input.width});
  }
  at::Tensor forward(const Features& x, const ForwardMode&) override {
    return at::linear(x.pixels_nCHW.flatten(1), weight_);
  }
  int64_t output_dim() const override { return width_; }
  int64_t width_ = 16;
  at::Tensor weight_;
};

}  // namespace

int main(int argc, char** argv) {
  Extensions own;
  own.losses = {{"square", "similarities towards 1 or 0", make_row<Loss, SquareLoss>}};
  own.encoders = {{"one_layer", "pictures: one layer", make_row<Encoder, OneLayer>, /*images=*/true}};
  return lodestone::main(argc, argv, own);
}
