#include <algorithm>
#include <array>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "common/paths.h"
#include "trainer/encoders/code_file.h"
#include "trainer/encoders/encoder.h"
#include "trainer/encoders/exported/program.h"
#include "trainer/encoders/row_check.h"

namespace lodestone::encoders {

namespace {

using exported::Program;
using exported::ProgramInput;

constexpr ForeignModel kModel = {.encoder = "exported",
                                 .remedy =
                                     "; export the model in train() with torch.export.export(..., "
                                     "strict=False), so that dropout and batch "
                                     "norm follow the mode"};

std::string shape_of(const ProgramInput& input) {
  std::string text = "'" + input.name + "' of " + c10::toString(input.note.type) + " [";
  for (const auto& size : input.note.sizes)
    text +=
        (text.ends_with('[') ? "" : ", ") + (size.number ? std::to_string(*size.number) : std::string("any"));
  return text + "]";
}

std::string inputs_of(const Program& program) {
  std::string text;
  for (const ProgramInput& input : program.inputs()) text += (text.empty() ? "" : ", ") + shape_of(input);
  return text;
}

/// A program of torch.export.save: forward(pixels_nCHW) or forward(tokens_nT, mask_nT) returns z_nD.
/// Parameters and buffers keep their names and are trained. It holds operators of LibTorch and no code.
/// Dropout draws this library's numbers, and batch norms are local, synchronous or frozen as those of other
/// encoders.
class ExportedEncoder : public Encoder {
 public:
  void visit_architecture(Fields& f) override {
    f.field({.name = "file",
             .doc = "file of the program, as torch.export.save writes it; needed as long as the run is used",
             .unit = kPathUnit},
            &file_);
  }

  at::Tensor forward(const Features& x, const ForwardMode& mode) override {
    if (mode.training && program_->exported_in_eval())
      throw ConfigError("exported: expected a program to train that was exported in train(), got " + file_ +
                        ", which was exported in eval(): its dropout is lost" + kModel.remedy);
    return call(x, mode);
  }

  int64_t output_dim() const override { return width_; }
  Modality modality() const override { return modality_; }
  bool can_recompute() const override { return program_ && program_->has_blocks(); }
  std::map<std::string, std::string> programs() const override {
    if (file_.empty()) return {};
    return {{file_, hash_}};
  }
  void pin_files(const std::map<std::string, std::string>& hash_of) override {
    if (const auto pinned = hash_of.find(file_); pinned != hash_of.end()) expected_hash_ = pinned->second;
  }

 protected:
  void make(const InputShape& input, Parameters& parameters) override {
    if (input.channels > 0 && input.vocabulary > 0)
      throw ConfigError(
          "exported: expected images or texts, got both; use two_tower with an exported tower for each");
    if (file_.empty())
      throw ConfigError(
          "exported: expected the path of a program in encoder.file, got an empty text; save one with "
          "torch.export.save and name its file");
    {
      const CodeFile bytes = read_code(file_, expected_hash_, "a program of torch.export.save");
      hash_ = bytes.hash;
      program_ = std::make_unique<Program>(exported::ExportFile(file_, bytes.bytes));
    }
    modality_ = input.vocabulary > 0 ? Modality::kTexts : Modality::kImages;
    check_inputs(input);
    for (const Parameter& parameter : program_->parameters()) parameters.adopt(parameter);
    if (parameters.learned().empty())
      throw ConfigError("exported: expected a program with parameters to train, got none in " + file_);
    const at::NoGradGuard no_grad;
    width_ = check_rows([this](const Features& x) { return call(x, {}); }, input, /*coarse=*/false, kModel);
  }

 private:
  // The inputs by what they hold: pixels are 4-D floats; tokens the first 2-D integers, and the other is the
  // mask.
  void check_inputs(const InputShape& input) {
    const auto& all = program_->inputs();
    const auto refuse = [&](const std::string& expected, const std::string& remedy) {
      throw ConfigError("exported: expected " + expected + " in " + file_ + ", got " + inputs_of(*program_) +
                        remedy);
    };
    if (program_->outputs() != 1)
      throw ConfigError("exported: expected a program that returns one tensor of embeddings, got " +
                        std::to_string(program_->outputs()) + " in " + file_ +
                        "; return the embedding alone");
    const auto is_matrix = [](const ProgramInput& i) { return i.note.sizes.size() == 2; };
    if (modality_ == Modality::kImages && !(all.size() == 1 && all[0].note.sizes.size() == 4))
      refuse("one input of images [rows, channels, height, width]", "; export forward(pixels)");
    if (modality_ == Modality::kTexts &&
        !(all.size() <= 2 && std::ranges::all_of(all, is_matrix) && all[0].note.is_integer()))
      refuse("inputs of tokens and their mask, each [rows, length]", "; export forward(tokens, mask)");
    for (const ProgramInput& one : all)
      for (size_t axis = 0; axis < (modality_ == Modality::kTexts ? 2 : 1); ++axis)
        if (one.note.sizes[axis].number)
          refuse(axis == 0 ? "any number of rows" : "texts of any length",
                 "; export it with dynamic_shapes, which name axis " + std::to_string(axis));
    if (modality_ == Modality::kImages) check_pixels(input, all[0]);
  }

  void check_pixels(const InputShape& input, const ProgramInput& pixels) {
    const std::array wanted = {input.channels, input.height, input.width};
    for (size_t axis = 0; axis < wanted.size(); ++axis)
      if (const auto& size = pixels.note.sizes[axis + 1].number; size && *size != wanted[axis])
        throw ConfigError("exported: expected images as " + file_ + " takes them, " + shape_of(pixels) +
                          ", got " + std::to_string(input.channels) + " x " + std::to_string(input.height) +
                          " x " + std::to_string(input.width) +
                          "; set data.image.channels, height and width to the program's");
  }

  at::Tensor call(const Features& x, const ForwardMode& mode) const {
    const at::Tensor& rows = modality_ == Modality::kTexts ? x.tokens_nT : x.pixels_nCHW;
    if (rows.size(0) > 0) return program_->run(inputs(x), mode)[0];
    // Shapes that depend on the number of rows need not hold for none: one made-up row stands in, and its
    // result is cut off, so that the graph leads to the parameters. Synchronous norms would count the row.
    if (mode.training && mode.batch_norm == BatchNormMode::kSync && program_->has_batch_norms())
      return program_->run(inputs(x), mode)[0];
    ForwardMode aside = mode;
    aside.update_statistics = false;
    Features one;
    if (modality_ == Modality::kTexts)
      one = Features(at::zeros({1, std::max<int64_t>(rows.size(1), 1)}, rows.options()),
                     at::ones({1, std::max<int64_t>(rows.size(1), 1)}, x.mask_nT.options()));
    else
      one = Features(at::zeros({1, rows.size(1), rows.size(2), rows.size(3)}, rows.options()));
    aside.draw.row_b = at::zeros({1}, at::kLong);
    return program_->run(inputs(one), aside)[0].narrow(0, 0, 0);
  }

  std::vector<at::Tensor> inputs(const Features& x) const {
    if (modality_ == Modality::kImages) return {x.pixels_nCHW};
    const auto& wanted = program_->inputs();
    std::vector<at::Tensor> all = {x.tokens_nT.to(wanted[0].note.type)};
    if (wanted.size() > 1) all.push_back(x.mask_nT.to(wanted[1].note.type));
    return all;
  }

  std::string file_, expected_hash_, hash_;
  std::unique_ptr<Program> program_;
  Modality modality_ = Modality::kImages;
  int64_t width_ = 0;
};

}  // namespace

std::unique_ptr<Encoder> make_exported() {
  return std::make_unique<ExportedEncoder>();
}

}  // namespace lodestone::encoders
