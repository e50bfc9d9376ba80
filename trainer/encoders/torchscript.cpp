#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include "common/paths.h"
#include "common/torch_error.h"
#include "trainer/encoders/encoder.h"

namespace lodestone {

namespace {

/// A TorchScript model of the user's: forward(pixels_nCHW) or forward(tokens_nT, mask_nT) gives z_nD. Parameters and buffers keep
/// their names and are trained. What happens inside is the model's own affair: its random numbers are LibTorch's
/// (forward_pass.h sets them; not the same on another number of ranks, unless it's canonical), and its batch norms are local.
class TorchScriptEncoder : public Encoder {
 public:
  void visit_architecture(Fields& f) override {
    f.field({"file", "the model, as torch.jit.save wrote it; needed as long as the run is used", kPathUnit},
            &file_);
  }

  at::Tensor forward(const Features& x, const ForwardMode& mode) override {
    if (mode.training && mode.batch_norm != BatchNormMode::kLocal && has_statistics_)
      throw ConfigError("torchscript: batch norms inside the model are local; set batch_norm: local");
    module_.train(mode.training);
    if (mode.update_statistics || !mode.training) return call(x);
    std::vector<at::Tensor> before;
    for (const auto& buffer : module_.buffers()) before.push_back(buffer.clone());
    const at::Tensor z_bD = call(x);
    size_t next = 0;
    // data(): the graph may hold a buffer, whose version must not change.
    for (const auto& buffer : module_.buffers()) buffer.data().copy_(before[next++]);
    return z_bD;
  }

  int64_t output_dim() const override { return width_; }
  Modality modality() const override { return modality_; }
  bool concurrent() const override { return false; }
  const torch::jit::Module* script() const override { return &module_; }

 protected:
  void make(const InputShape& input, Parameters& parameters) override {
    if (input.channels > 0 && input.vocabulary > 0)
      throw ConfigError(
          "torchscript: expected pictures or texts, got both; use two_tower with a TorchScript tower for "
          "each");
    if (file_.empty())
      throw ConfigError(
          "torchscript: expected encoder.file, got nothing; save a model with torch.jit.save and name it");
    try {
      module_ = torch::jit::load(file_);
    } catch (const std::exception& error) {
      throw DataError("torchscript: expected a model that torch.jit.save wrote in " + file_ +
                      ", got: " + torch_reason(error));
    }
    for (const auto& parameter : module_.named_parameters()) {
      parameter.value.requires_grad_(true);
      parameters.adopt({parameter.name, parameter.value, /*decays=*/parameter.value.dim() > 1},
                       /*learned=*/true);
    }
    for (const auto& buffer : module_.named_buffers()) {
      if (!buffer.value.is_floating_point()) continue;  // counters and position numbers
      parameters.adopt({buffer.name, buffer.value, false}, /*learned=*/false);
      has_statistics_ = has_statistics_ || buffer.name.ends_with("running_mean");
    }
    if (parameters.learned().empty())
      throw ConfigError("torchscript: expected a model with parameters to train, got none in " + file_);
    modality_ = input.vocabulary > 0 ? Modality::kTexts : Modality::kPictures;
    width_ = try_out(input);
  }

 private:
  at::Tensor call(const Features& x) {
    std::vector<c10::IValue> inputs;
    if (modality_ == Modality::kTexts) {
      inputs = {x.tokens_nT, x.mask_nT};
    } else {
      inputs = {x.pixels_nCHW};
    }
    return module_.forward(std::move(inputs)).toTensor();
  }

  // The width of the embedding, from one example.
  int64_t try_out(const InputShape& input) {
    const at::NoGradGuard no_grad;
    Features example;
    if (modality_ == Modality::kTexts) {
      example.tokens_nT =
          at::zeros({1, std::min<int64_t>(4, std::max<int64_t>(input.max_tokens, 1))}, at::kLong);
      example.mask_nT = at::ones_like(example.tokens_nT, at::kBool);
    } else {
      example.pixels_nCHW = at::zeros({1, input.channels, input.height, input.width});
    }
    at::Tensor z_1D;
    try {
      module_.eval();
      z_1D = call(example);
    } catch (const std::exception& error) {
      throw ConfigError(
          "torchscript: expected a model with forward(pixels) or forward(tokens, mask) that takes the "
          "configured data, got: " +
          torch_reason(error));
    }
    if (z_1D.dim() != 2 || z_1D.size(0) != 1 || z_1D.size(1) < 1)
      throw ConfigError("torchscript: expected one row of numbers for one example, got a tensor of " +
                        std::to_string(z_1D.dim()) + " dimensions; return [rows, width]");
    return z_1D.size(1);
  }

  std::string file_;
  torch::jit::Module module_;
  Modality modality_ = Modality::kPictures;
  bool has_statistics_ = false;
  int64_t width_ = 0;
};

}  // namespace

std::unique_ptr<Encoder> make_torchscript() {
  return std::make_unique<TorchScriptEncoder>();
}

}  // namespace lodestone
