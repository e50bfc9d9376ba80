#include "trainer/encoders/torchscript_export.h"

#include <sstream>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>

#include "common/files.h"
#include "common/torch_error.h"
#include "trainer/encoders/synthetic_rows.h"

namespace lodestone::encoders {

namespace {

using torch::jit::IValue;
using torch::jit::Module;
using torch::jit::Stack;

/// One method of the exported module.
struct Method {
  std::string name;
  bool texts;
};

// Makes nested modules, since names have dots: "layer1.0.conv1.weight".
class Tree {
 public:
  explicit Tree(const Parameters& parameters)
      : unit_(std::make_shared<torch::jit::CompilationUnit>()), root_(made("Encoder")) {
    for (const auto& parameter : parameters.learned())
      put(root_, parameter.name, parameter.tensor, /*is_buffer=*/false);
    for (const auto& buffer : parameters.buffers())
      put(root_, buffer.name, buffer.tensor, /*is_buffer=*/true);
  }
  Module& root() { return root_; }

 private:
  Module made(const std::string& name) const {
    Module module("__torch__.lodestone." + name, unit_, /*shouldMangle=*/true);
    module.register_attribute("training", c10::BoolType::get(), false);
    return module;
  }
  void put(Module& at, const std::string& name, const at::Tensor& tensor, bool is_buffer) {
    const size_t dot = name.find('.');
    if (dot == std::string::npos) return at.register_parameter(name, tensor, is_buffer);
    const std::string child = name.substr(0, dot);
    if (!at.hasattr(child)) at.register_module(child, made("Part"));
    Module inner = at.attr(child).toModule();
    put(inner, name.substr(dot + 1), tensor, is_buffer);
  }

  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  Module root_;
};

// Rows to trace with, or to test the trace with: texts of different lengths, noise images.
Stack example(const InputShape& input, bool texts, int64_t rows, int64_t length) {
  if (!texts) return {synthetic_images(input, rows).pixels_nCHW};
  const Features x = synthetic_texts(input, rows, length);
  return {x.tokens_nT, x.mask_nT};
}

at::Tensor encode(Encoder& encoder, const Stack& inputs, bool texts) {
  Features x;
  if (texts) {
    x.tokens_nT = inputs[0].toTensor();
    x.mask_nT = inputs[1].toTensor();
  } else {
    x.pixels_nCHW = inputs[0].toTensor();
  }
  return encoder.forward(x, {});
}

void add_method(Module& module, Encoder& encoder, const InputShape& input, const Method& method) {
  const auto names =
      method.texts ? std::vector<std::string>{"tokens", "mask"} : std::vector<std::string>{"pixels"};
  const auto run = [&](Stack inputs) -> Stack { return {encode(encoder, inputs, method.texts)}; };
  const auto trace = torch::jit::tracer::trace(
      example(input, method.texts, 2, std::min<int64_t>(input.max_tokens, 4)), run,
      [](const at::Tensor&) { return std::string(); },
      /*strict=*/true, /*force_outplace=*/false, &module, names);
  const c10::QualifiedName name(*module.type()->name(), method.name);
  module.type()->addMethod(module._ivalue()->compilation_unit()->create_function(name, trace.first->graph));
}

// Tests the trace on other sizes: values that were constant while tracing would differ there.
void check(Module& module, Encoder& encoder, const InputShape& input, const Method& method) {
  for (const int64_t rows : {0, 3}) {
    const Stack inputs = example(input, method.texts, rows, std::min<int64_t>(input.max_tokens, 6));
    const at::Tensor expected = encode(encoder, inputs, method.texts);
    const at::Tensor got = module.get_method(method.name)(inputs).toTensor();
    if (got.sizes() != expected.sizes() ||
        (rows > 0 && ((got - expected).abs().max() > 1e-5 * expected.abs().max()).item<bool>()))
      throw Error("export: the traced " + method.name +
                  " differs from the encoder; use --format safetensors");
  }
}

// A traced module, or the user's own.
Module module_of(Encoder& encoder, const InputShape& input) {
  if (encoder.script()) {
    Module own = *encoder.script();
    own.eval();
    return own;
  }
  Tree tree(encoder.parameters());
  const std::vector<Method> methods =
      encoder.modality() == Modality::kBoth
          ? std::vector<Method>{{"encode_image", false}, {"encode_text", true}}
          : std::vector<Method>{{"forward", encoder.modality() == Modality::kTexts}};
  try {
    for (const auto& method : methods) add_method(tree.root(), encoder, input, method);
  } catch (const std::exception& error) {
    throw Error("export: expected an encoder that can be traced, got: " + torch_reason(error) +
                "; use --format safetensors (a TorchScript tower can't be traced inside another encoder)");
  }
  for (const auto& method : methods) check(tree.root(), encoder, input, method);
  return tree.root();
}

}  // namespace

void export_torchscript(Encoder& encoder, const InputShape& input, const std::filesystem::path& file,
                        const std::map<std::string, std::string>& extra) {
  const at::NoGradGuard no_grad;
  const Module module = module_of(encoder, input);
  torch::jit::ExtraFilesMap files;
  for (const auto& [name, text] : extra) files[name] = text;
  std::ostringstream bytes;
  module.save(bytes, files);
  write_file_atomic(file, bytes.str());
}

}  // namespace lodestone::encoders
