#include "trainer/encoders/head.h"

#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>

namespace lodestone::encoders {

void HeadConfig::visit(Fields& f) {
  f.choice({.name = "kind",
            .doc = "kind of head. none: the features are the embedding; linear: one layer; mlp: layers with "
                   "ReLU between them"},
           &kind, {{"none", HeadKind::kNone}, {"linear", HeadKind::kLinear}, {"mlp", HeadKind::kMlp}});
  f.field({.name = "embedding", .doc = "linear and mlp: width of the embedding", .min = 1, .max = 65536},
          &embedding);
  f.field({.name = "hidden", .doc = "mlp: widths of the hidden layers", .min = 1, .max = 65536}, &hidden);
  f.choice({.name = "norm", .doc = "mlp: normalisation after each hidden layer, before its ReLU"}, &norm,
           {{"none", HeadNorm::kNone}, {"batch", HeadNorm::kBatch}, {"layer", HeadNorm::kLayer}});
}

Head::Head(Parameters& parameters, const HeadConfig& config, int64_t features)
    : width_(features), norm_(config.norm) {
  if (config.kind == HeadKind::kNone) return;
  const bool deep = config.kind == HeadKind::kMlp;
  std::vector<int64_t> widths = deep ? config.hidden : std::vector<int64_t>();
  widths.push_back(config.embedding);
  for (size_t i = 0; i < widths.size(); ++i) {
    const std::string prefix = deep ? "head.layers." + std::to_string(i) : "head",
                      norm = "head.norms." + std::to_string(i);
    const bool hidden = i + 1 < widths.size();
    Layer layer;
    const bool bare = hidden && norm_ == HeadNorm::kNone;
    layer.weight = bare ? parameters.he_normal(prefix + ".weight", {widths[i], width_})
                        : parameters.uniform(prefix + ".weight", {widths[i], width_});
    layer.bias = parameters.constant(prefix + ".bias", {widths[i]}, 0);
    if (hidden && norm_ == HeadNorm::kBatch) layer.batch_norm = BatchNorm(parameters, norm, widths[i]);
    if (hidden && norm_ == HeadNorm::kLayer) {
      layer.scale = parameters.constant(norm + ".weight", {widths[i]}, 1);
      layer.shift = parameters.constant(norm + ".bias", {widths[i]}, 0);
    }
    layers_.push_back(layer);
    width_ = widths[i];
  }
}

at::Tensor Head::forward(const at::Tensor& x_bF, const ForwardMode& mode) const {
  at::Tensor x = x_bF;
  for (size_t i = 0; i < layers_.size(); ++i) {
    x = at::linear(x, layers_[i].weight, layers_[i].bias);
    if (i + 1 < layers_.size()) x = at::relu(normalised(layers_[i], x, mode));
  }
  return x;
}

at::Tensor Head::normalised(const Layer& layer, const at::Tensor& x_bF, const ForwardMode& mode) const {
  if (norm_ == HeadNorm::kBatch) return layer.batch_norm.forward(x_bF, mode);
  if (norm_ == HeadNorm::kLayer)
    return at::layer_norm(x_bF, layer.scale.sizes(), layer.scale, layer.shift, 1e-5);
  return x_bF;
}

}  // namespace lodestone::encoders
