#include <set>
#include <sstream>

#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include "common/file_kind.h"
#include "common/paths.h"
#include "common/torch_error.h"
#include "trainer/encoders/code_file.h"
#include "trainer/encoders/encoder.h"
#include "trainer/encoders/row_check.h"
#include "trainer/encoders/script_graph.h"

namespace lodestone::encoders {

namespace {

constexpr ForeignModel kModel = {
    .encoder = "torchscript",
    .remedy =
        "; a model that was traced in train() keeps batch norm and dropout as they are in training, in "
        "eval() too: save it with torch.jit.script, which keeps the two apart"};

// What a file is that can't be loaded. PyTorch says of all that is no ZIP archive that it is a damaged one.
std::string found(std::string_view begin, const std::exception& error) {
  if (begin.starts_with("PK\x03\x04")) return ": " + torch_reason(error);
  const FileKind* kind = file_kind(begin);
  return std::string(" ") + (kind != nullptr ? kind->name : "a file of another kind") +
         "; name a file of torch.jit.save";
}

/// A user's TorchScript model: forward(pixels_nCHW) or forward(tokens_nT, mask_nT) returns z_nD. Parameters
/// and buffers keep their names and are trained. The model defines its own computation: its random numbers
/// are LibTorch's (seeded by forward_pass.h; different on another number of ranks, unless the run is
/// canonical), and its batch norms are local. Loading tests that its rows depend neither on chance nor on
/// each other in eval() (row_check.h).
class TorchScriptEncoder : public Encoder {
 public:
  void visit_architecture(Fields& f) override {
    f.field({.name = "file",
             .doc = "file of the model, as torch.jit.save writes it; needed as long as the run is used",
             .unit = kPathUnit},
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
    // data(): the graph may hold a buffer, whose version counter must not change.
    for (const auto& buffer : module_.buffers()) buffer.data().copy_(before[next++]);
    return z_bD;
  }

  int64_t output_dim() const override { return width_; }
  Modality modality() const override { return modality_; }
  bool concurrent() const override { return false; }
  const torch::jit::Module* script() const override { return &module_; }
  std::map<std::string, std::string> code() const override {
    if (file_.empty()) return {};
    return {{file_, hash_}};
  }
  void pin_files(const std::map<std::string, std::string>& hash_of) override {
    if (const auto pinned = hash_of.find(file_); pinned != hash_of.end()) expected_hash_ = pinned->second;
  }

  std::vector<std::string> remarks(c10::Device device, bool training) const override {
    const ScriptConstants constants = constants_of(module_);
    std::vector<std::string> all;
    std::string operations, places;
    for (const auto& [name, count] : constants.never_train)
      operations += (operations.empty() ? "" : ", ") + std::to_string(count) + " of " + name;
    if (training && !operations.empty())
      all.push_back("encoder.file: " + file_ + " was traced in eval(): " + operations +
                    " stay as in eval() while it is trained (dropout drops nothing, batch norms keep their "
                    "statistics); save it with torch.jit.script to train them");
    for (const std::string& place : constants.devices)
      if (c10::Device(place).type() != device.type()) places += (places.empty() ? "" : ", ") + place;
    if (!places.empty())
      all.push_back("encoder.file: " + file_ + " puts tensors of its own on " + places +
                    ", and the run is on " + device.str() +
                    ": operations that use both may fail; trace it there, or save it with torch.jit.script");
    return all;
  }

 protected:
  void make(const InputShape& input, Parameters& parameters) override {
    if (input.channels > 0 && input.vocabulary > 0)
      throw ConfigError(
          "torchscript: expected images or texts, got both; use two_tower with a TorchScript tower for each");
    if (file_.empty())
      throw ConfigError(
          "torchscript: expected the path of a model in encoder.file, got an empty text; save a model with "
          "torch.jit.save and name its file");
    load();
    for (const auto& parameter : module_.named_parameters()) {
      parameter.value.requires_grad_(true);
      parameters.adopt({parameter.name, parameter.value, /*decays=*/parameter.value.dim() > 1});
    }
    const std::set<const void*> updated = updated_tensors(module_);
    for (const auto& buffer : module_.named_buffers()) {
      if (!buffer.value.is_floating_point()) continue;  // counters and position indices
      const ParameterRole role = updated.contains(buffer.value.unsafeGetTensorImpl())
                                     ? ParameterRole::kRunningStatistic
                                     : ParameterRole::kConstant;
      parameters.adopt({buffer.name, buffer.value, /*decays=*/false, role});
      has_statistics_ = has_statistics_ || role == ParameterRole::kRunningStatistic;
    }
    if (parameters.learned().empty())
      throw ConfigError("torchscript: expected a model with parameters to train, got none in " + file_);
    modality_ = input.vocabulary > 0 ? Modality::kTexts : Modality::kImages;
    try_out(input);
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

  void load() {
    CodeFile code = read_code(file_, expected_hash_);
    hash_ = code.hash;
    const std::string begin = code.bytes.substr(0, 32);
    try {
      std::istringstream bytes(std::move(code.bytes));
      module_ = torch::jit::load(bytes, c10::Device(c10::kCPU));
    } catch (const std::exception& error) {
      throw DataError("torchscript: expected a model that torch.jit.save wrote in " + file_ + ", got" +
                      found(begin, error));
    }
  }

  void try_out(const InputShape& input) {
    const at::NoGradGuard no_grad;
    module_.eval();
    bool coarse = false;
    for (const at::Tensor& weight : module_.parameters()) coarse |= weight.element_size() == 2;
    width_ = check_rows([this](const Features& x) { return call(x); }, input, coarse, kModel);
  }

  std::string file_, expected_hash_, hash_;
  torch::jit::Module module_;
  Modality modality_ = Modality::kImages;
  bool has_statistics_ = false;
  int64_t width_ = 0;
};

}  // namespace

std::unique_ptr<Encoder> make_torchscript() {
  return std::make_unique<TorchScriptEncoder>();
}

}  // namespace lodestone::encoders
