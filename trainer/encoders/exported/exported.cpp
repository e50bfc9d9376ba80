#include <algorithm>
#include <array>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "common/paths.h"
#include "trainer/encoders/code_file.h"
#include "trainer/encoders/encoder.h"
#include "trainer/encoders/exported/allocation_bound.h"
#include "trainer/encoders/exported/program.h"
#include "trainer/encoders/length_parts.h"
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

// What a few rows may take at load: many numbers for each of the input's, as the first layers of networks of
// images do, and at least enough for the largest models of texts.
constexpr int64_t kLeastBytes = int64_t{1} << 30, kBytesPerByte = 256;

int64_t most_bytes(const Features& x, int64_t file) {
  const at::Tensor& rows = x.pixels_nCHW.defined() ? x.pixels_nCHW : x.tokens_nT;
  return kLeastBytes + kBytesPerByte * static_cast<int64_t>(rows.nbytes()) + 2 * file;
}

/// A program of torch.export.save: forward(pixels_nCHW) or forward(tokens_nT, mask_nT) returns z_nD.
/// Parameters and buffers keep their names and are trained. It holds operators of LibTorch and no code.
/// Dropout draws this library's numbers, and batch norms are local, synchronous or frozen as those of other
/// encoders. Texts of any length are encoded in parts of similar length, as `bert` does.
class ExportedEncoder : public Encoder {
 public:
  void visit_architecture(Fields& f) override {
    f.field({.name = "file",
             .doc = "file of the program, as torch.export.save writes it; needed as long as the run is used",
             .unit = kPathUnit},
            &file_);
    f.field(
        {.name = "program",
         .doc = "which program of a file that has several (torch.export.pt2_archive); empty: the only one"},
        &name_);
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
      size_ = static_cast<int64_t>(bytes.bytes.size());
      const exported::ExportFile file(file_, bytes.bytes);
      program_ = std::make_unique<Program>(file, file.program(name_));
    }
    modality_ = input.vocabulary > 0 ? Modality::kTexts : Modality::kImages;
    check_inputs(input);
    for (const Parameter& parameter : program_->parameters()) parameters.adopt(parameter);
    if (parameters.learned().empty())
      throw ConfigError("exported: expected a program with parameters to train, got none in " + file_);
    const at::NoGradGuard no_grad;
    const auto bounded = [this](const Features& x) {
      const exported::AllocationBound bound(most_bytes(x, size_));
      return call(x, {});
    };
    width_ = check_rows(bounded, input, /*coarse=*/false, kModel);
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
      if (one.note.sizes[0].number)
        refuse("any number of rows", "; export it with dynamic_shapes, which name axis 0");
    if (modality_ == Modality::kImages)
      check_pixels(input, all[0]);
    else
      check_lengths(input);
  }

  // A program of one length takes shorter texts, padded to it.
  void check_lengths(const InputShape& input) const {
    const auto& all = program_->inputs();
    const auto& length = all[0].note.sizes[1].number;
    if (all.back().note.sizes[1].number != length)
      throw ConfigError("exported: expected tokens and a mask of one length in " + file_ + ", got " +
                        inputs_of(*program_) + "; export it with dynamic_shapes, which name axis 1 of both");
    if (length && *length < input.max_tokens)
      throw ConfigError(
          "exported: expected texts of at most " + std::to_string(*length) + " tokens, as " + file_ +
          " takes them, got data.text.tokenizer.max_tokens: " + std::to_string(input.max_tokens) +
          "; lower it, or export the program with dynamic_shapes, which name axis 1");
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
    if (rows.size(0) > 0) return encoded(x, mode);
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

  // check_rows has shown that padding does not matter. Batch norms would depend on the parts.
  at::Tensor encoded(const Features& x, const ForwardMode& mode) const {
    const auto& wanted = program_->inputs();
    const bool in_parts = modality_ == Modality::kTexts && wanted.size() == 2 &&
                          !wanted[0].note.sizes[1].number && !program_->has_batch_norms();
    if (!in_parts) return program_->run(inputs(x), mode)[0];
    return by_length(x.tokens_nT, x.mask_nT, mode,
                     [this](const at::Tensor& tokens_nT, const at::Tensor& mask_nT, const ForwardMode& how) {
                       return program_->run(inputs({tokens_nT, mask_nT}), how)[0];
                     });
  }

  std::vector<at::Tensor> inputs(const Features& x) const {
    if (modality_ == Modality::kImages) return {x.pixels_nCHW};
    const auto& wanted = program_->inputs();
    const auto in_form = [](const at::Tensor& x_nT, const ProgramInput& input) {
      const int64_t missing = input.note.sizes[1].number.value_or(0) - x_nT.size(1);
      const at::Tensor typed_nT = x_nT.to(input.note.type);
      return missing > 0 ? at::constant_pad_nd(typed_nT, {0, missing}) : typed_nT;
    };
    std::vector<at::Tensor> all = {in_form(x.tokens_nT, wanted[0])};
    if (wanted.size() > 1) all.push_back(in_form(x.mask_nT, wanted[1]));
    return all;
  }

  std::string file_, name_, expected_hash_, hash_;
  int64_t size_ = 0;
  std::unique_ptr<Program> program_;
  Modality modality_ = Modality::kImages;
  int64_t width_ = 0;
};

}  // namespace

std::unique_ptr<Encoder> make_exported() {
  return std::make_unique<ExportedEncoder>();
}

}  // namespace lodestone::encoders
