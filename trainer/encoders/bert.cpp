#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/tanh.h>

#include "trainer/encoders/attention.h"
#include "trainer/encoders/bert_config.h"
#include "trainer/encoders/head.h"
#include "trainer/encoders/length_parts.h"
#include "trainer/encoders/pooling.h"
#include "trainer/encoders/recompute.h"

namespace lodestone::encoders {

namespace {

constexpr double kDeviation = 0.02;

struct Linear {
  at::Tensor weight, bias;
  Linear() = default;
  Linear(Parameters& parameters, const std::string& prefix, int64_t out, int64_t in)
      : weight(parameters.normal(prefix + ".weight", {out, in}, kDeviation)),
        bias(parameters.constant(prefix + ".bias", {out}, 0)) {}
  at::Tensor operator()(const at::Tensor& x) const { return at::linear(x, weight, bias); }
};

struct LayerNorm {
  at::Tensor weight, bias;
  double epsilon = 0;
  LayerNorm() = default;
  LayerNorm(Parameters& parameters, const std::string& prefix, int64_t width, double added)
      : weight(parameters.constant(prefix + ".weight", {width}, 1)),
        bias(parameters.constant(prefix + ".bias", {width}, 0)),
        epsilon(added) {}
  at::Tensor operator()(const at::Tensor& x) const {
    return at::layer_norm(x, weight.sizes(), weight, bias, epsilon);
  }
};

/// One layer: attention and a two-layer network, each with its residual and a norm after it.
struct BertLayer {
  Linear query, key, value, attention_out, up, down;
  LayerNorm attention_norm, norm;
  int64_t heads;
  double dropout_probability, attention_dropout;
  DropoutSite site;  ///< the first of three
  std::vector<at::Tensor> parameters;

  BertLayer(Parameters& all, int64_t number, const BertConfig& config)
      : heads(*config.heads),
        dropout_probability(*config.dropout),
        attention_dropout(*config.attention_dropout),
        site(1 + 3 * number) {
    const size_t first = all.learned().size();
    const std::string prefix = "encoder.layer." + std::to_string(number) + ".";
    const int64_t width = *config.width;
    query = Linear(all, prefix + "attention.self.query", width, width);
    key = Linear(all, prefix + "attention.self.key", width, width);
    value = Linear(all, prefix + "attention.self.value", width, width);
    attention_out = Linear(all, prefix + "attention.output.dense", width, width);
    attention_norm = LayerNorm(all, prefix + "attention.output.LayerNorm", width, *config.norm_epsilon);
    up = Linear(all, prefix + "intermediate.dense", *config.intermediate, width);
    down = Linear(all, prefix + "output.dense", width, *config.intermediate);
    norm = LayerNorm(all, prefix + "output.LayerNorm", width, *config.norm_epsilon);
    parameters = learned_since(all, first);
  }

  at::Tensor forward(const at::Tensor& h_nTD, const at::Tensor& bias_n11T, const ForwardMode& mode) const {
    const at::Tensor mixed_nTD =
        attention(query(h_nTD), key(h_nTD), value(h_nTD), heads, bias_n11T, attention_dropout, site, mode);
    const at::Tensor a_nTD =
        attention_norm(dropout(attention_out(mixed_nTD), dropout_probability, site + 1, mode) + h_nTD);
    return norm(dropout(down(at::gelu(up(a_nTD))), dropout_probability, site + 2, mode) + a_nTD);
  }
};

/// Text transformer in BERT's layout (Devlin et al. 2019), with the names and numerics of Hugging Face's
/// BertModel.
class Bert : public Encoder {
 public:
  void visit_architecture(Fields& f) override {
    config_.visit(f);
    f.choice(
        {.name = "pooling",
         .doc = "mean: of the tokens, padding left out; cls: the first token; pooler: tanh of a linear layer "
                "over the first"},
        &pooling_, {{"mean", Pooling::kMean}, {"cls", Pooling::kCls}, {"pooler", Pooling::kPooler}});
    f.nested({.name = "head", .doc = "layers from the pooled features to the embedding"}, head_config_);
  }

  at::Tensor forward(const Features& features, const ForwardMode& mode) override {
    const at::Tensor& tokens_nT = features.tokens_nT;
    // Not arange: the length must stay variable in a trace.
    const at::Tensor place_T = at::ones_like(tokens_nT.sum(0)).cumsum(0) - 1;
    at::Tensor h_nTD =
        at::embedding(words_VD, tokens_nT) + (at::embedding(places_PD, place_T) + types_2D.select(0, 0));
    h_nTD = dropout(norm_(h_nTD), *config_.dropout, 0, mode);
    const auto transform = [this](const at::Tensor& h, const at::Tensor& mask, const ForwardMode& how) {
      return transformed(h, mask, how);
    };
    return head_.forward(by_length(h_nTD, features.mask_nT, mode, transform), mode);
  }

  int64_t output_dim() const override { return head_.output_dim(); }
  Modality modality() const override { return Modality::kTexts; }
  bool can_recompute() const override { return true; }

 protected:
  void make(const InputShape& input, Parameters& parameters) override {
    expect_texts("bert", input);
    config_.resolve(init_from(), input.vocabulary, input.max_tokens);
    const int64_t width = *config_.width;
    words_VD =
        parameters.normal("embeddings.word_embeddings.weight", {*config_.vocabulary, width}, kDeviation);
    places_PD =
        parameters.normal("embeddings.position_embeddings.weight", {*config_.positions, width}, kDeviation);
    types_2D = parameters.normal("embeddings.token_type_embeddings.weight", {2, width}, kDeviation);
    norm_ = LayerNorm(parameters, "embeddings.LayerNorm", width, *config_.norm_epsilon);
    for (int64_t i = 0; i < *config_.layers; ++i) layers_.emplace_back(parameters, i, config_);
    if (pooling_ == Pooling::kPooler) pooler_ = Linear(parameters, "pooler.dense", width, width);
    head_ = Head(parameters, head_config_, width);
  }

 private:
  // Maps embedded tokens to one vector per text.
  at::Tensor transformed(at::Tensor h_nTD, const at::Tensor& mask_nT, const ForwardMode& mode) const {
    // Padding gets no attention: its scores are the lowest number, as in Hugging Face's code.
    const at::Tensor bias_n11T = mask_nT.logical_not().to(h_nTD.scalar_type()).unsqueeze(1).unsqueeze(1) *
                                 static_cast<double>(std::numeric_limits<float>::lowest());
    for (const auto& layer : layers_)
      h_nTD =
          run_block([&layer, bias_n11T](const at::Tensor& h,
                                        const ForwardMode& how) { return layer.forward(h, bias_n11T, how); },
                    h_nTD, layer.parameters, mode);
    return pooled(h_nTD, mask_nT);
  }

  at::Tensor pooled(const at::Tensor& h_nTD, const at::Tensor& mask_nT) const {
    if (pooling_ == Pooling::kMean) return mean_of_tokens(h_nTD, mask_nT);
    const at::Tensor first_nD = h_nTD.select(1, 0);
    return pooling_ == Pooling::kCls ? first_nD : at::tanh(pooler_(first_nD));
  }

  BertConfig config_;
  Pooling pooling_ = Pooling::kMean;
  HeadConfig head_config_;
  at::Tensor words_VD, places_PD, types_2D;
  LayerNorm norm_;
  std::vector<BertLayer> layers_;
  Linear pooler_;
  Head head_;
};

}  // namespace

std::unique_ptr<Encoder> make_bert() {
  return std::make_unique<Bert>();
}

}  // namespace lodestone::encoders
