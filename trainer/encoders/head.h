#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/fields.h"
#include "trainer/encoders/batch_norm.h"
#include "trainer/encoders/encoder.h"

namespace lodestone::encoders {

enum class HeadKind { kNone, kLinear, kMlp };
enum class HeadNorm { kNone, kBatch, kLayer };

/// Configures the layers after an encoder's pooled features.
struct HeadConfig {
  HeadKind kind = HeadKind::kNone;
  int64_t embedding = 128;
  std::vector<int64_t> hidden = {512};
  HeadNorm norm = HeadNorm::kNone;

  void visit(Fields& f);
};

/// The projection to the embedding: none, one linear layer (`head.weight`, `head.bias`), or layers with ReLU
/// between them (`head.layers.0.weight`, …), with an optional norm on each hidden one (`head.norms.0.weight`,
/// …) (Chen et al. 2020).
class Head {
 public:
  Head() = default;
  Head(Parameters& parameters, const HeadConfig& config, int64_t features);
  /// x_bF to z_bD.
  at::Tensor forward(const at::Tensor& x_bF, const ForwardMode& mode) const;
  int64_t output_dim() const { return width_; }

 private:
  struct Layer {
    at::Tensor weight, bias;
    BatchNorm batch_norm;
    at::Tensor scale, shift;  ///< parameters of a layer norm
  };
  at::Tensor normalised(const Layer& layer, const at::Tensor& x_bF, const ForwardMode& mode) const;

  int64_t width_ = 0;
  HeadNorm norm_ = HeadNorm::kNone;
  std::vector<Layer> layers_;
};

}  // namespace lodestone::encoders
