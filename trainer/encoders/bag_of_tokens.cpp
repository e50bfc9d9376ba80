#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding_bag.h>
#include <ATen/ops/masked_select.h>

#include "trainer/encoders/encoder.h"
#include "trainer/encoders/head.h"

namespace lodestone::encoders {

namespace {

/// The mean of the tokens' embeddings, without order (Iyyer et al. 2015), and a head: a fast baseline for
/// texts. A text without tokens gives 0 before the head.
class BagOfTokens : public Encoder {
 public:
  void visit_architecture(Fields& f) override {
    f.field({.name = "width", .doc = "width of a token's embedding", .min = 1, .max = 65536}, &width_);
    f.nested({.name = "head", .doc = "layers from the mean to the embedding"}, head_config_);
  }

  at::Tensor forward(const Features& features, const ForwardMode& mode) override {
    const at::Tensor& tokens_nT = features.tokens_nT;
    const at::Tensor count_n = features.mask_nT.sum(1);
    const at::Tensor kept_m = at::masked_select(tokens_nT, features.mask_nT);
    constexpr int64_t kMean = 1;
    const auto bags =
        at::embedding_bag(weight_VD, kept_m, count_n.cumsum(0) - count_n, /*scale_grad_by_freq=*/false, kMean,
                          /*sparse=*/false, std::nullopt, /*include_last_offset=*/false);
    return head_.forward(std::get<0>(bags), mode);
  }

  int64_t output_dim() const override { return head_.output_dim(); }
  Modality modality() const override { return Modality::kTexts; }

 protected:
  void make(const InputShape& input, Parameters& parameters) override {
    expect_texts("bag_of_tokens", input);
    weight_VD = parameters.normal("embeddings.weight", {input.vocabulary, width_},
                                  1.0 / std::sqrt(static_cast<double>(width_)));
    head_ = Head(parameters, head_config_, width_);
  }

 private:
  int64_t width_ = 256;
  HeadConfig head_config_;
  at::Tensor weight_VD;
  Head head_;
};

}  // namespace

std::unique_ptr<Encoder> make_bag_of_tokens() {
  return std::make_unique<BagOfTokens>();
}

}  // namespace lodestone::encoders
