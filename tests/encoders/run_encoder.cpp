// Runs one encoder on tensors of a file, for comparison with other implementations.
// usage: run_encoder TASK.yaml IN OUT
//   IN    safetensors with pixels, or tokens and mask, or these and is_text, and optionally dz
//   OUT   z and, if there is dz, a "gradient." of each parameter; with `steps` of AdamW towards dz, instead,
//         "steps." of each tensor and `steps`, z in eval() after them
#include <iostream>

#include <ATen/core/grad_mode.h>

#include "common/safetensors.h"
#include "common/yaml.h"
#include "encoders/adamw_steps.h"
#include "trainer/encoders/encoder.h"
#include "trainer/encoders/torchscript_export.h"

namespace lodestone {
using namespace encoders;
namespace {

struct Task {
  InputShape input;
  bool training = false;
  bool recompute = false;
  bool float64 = false;
  int64_t steps = 0;
  int64_t seed = 1;
  std::string torchscript, safetensors;
  Slot<Encoder> encoder{encoder_table(), "conv4"};

  void visit(Fields& f) {
    f.field({.name = "channels"}, &input.channels);
    f.field({.name = "height"}, &input.height);
    f.field({.name = "width"}, &input.width);
    f.field({.name = "vocabulary"}, &input.vocabulary);
    f.field({.name = "max_tokens"}, &input.max_tokens);
    f.field({.name = "training"}, &training);
    f.field({.name = "recompute"}, &recompute);
    f.field({.name = "float64", .doc = "compute in double precision"}, &float64);
    f.field({.name = "steps", .doc = "of AdamW"}, &steps);
    f.field({.name = "seed", .doc = "of the random start"}, &seed);
    f.field({.name = "torchscript", .doc = "file to export to"}, &torchscript);
    f.field({.name = "safetensors", .doc = "file to export to"}, &safetensors);
    f.slot({.name = "encoder"}, encoder);
  }
};

Features features_of(const TensorMap& in) {
  Features x;
  if (in.contains("pixels")) x.pixels_nCHW = in.at("pixels");
  if (in.contains("tokens")) {
    x.tokens_nT = in.at("tokens");
    x.mask_nT = in.at("mask");
  }
  if (in.contains("is_text")) x.is_text_b = in.at("is_text");
  return x;
}

void run_steps(Task& task, const TensorMap& in, const std::string& out_file) {
  testing::take_steps(*task.encoder, features_of(in), in.at("dz"), task.steps);
  TensorMap out;
  const at::NoGradGuard no_grad;
  out["steps"] = task.encoder->forward(features_of(in), {});
  for (const auto* list : {&task.encoder->parameters().learned(), &task.encoder->parameters().buffers()})
    for (const auto& parameter : *list) out["steps." + parameter.name] = parameter.tensor.detach();
  write_safetensors(out_file, out);
}

void run(const std::string& task_file, const std::string& in_file, const std::string& out_file) {
  Task task;
  read_fields(read_yaml_file(task_file), [&](Fields& f) { task.visit(f); });
  task.encoder->build(task.input, static_cast<uint64_t>(task.seed));
  for (const auto& report : task.encoder->load_initial_weights()) std::cout << report.sentence() << "\n";
  const TensorMap in = read_safetensors(in_file);
  if (task.float64) task.encoder->parameters().convert(at::kDouble, at::kCPU);
  if (task.steps > 0) return run_steps(task, in, out_file);
  ForwardMode mode;
  mode.training = task.training;
  mode.recompute = task.recompute;
  TensorMap out;
  const at::Tensor z_bD = task.encoder->forward(features_of(in), mode);
  out["z"] = z_bD.detach();
  if (in.contains("dz")) {
    z_bD.backward(in.at("dz"));
    for (const auto& parameter : task.encoder->parameters().learned())
      if (parameter.tensor.grad().defined()) out["gradient." + parameter.name] = parameter.tensor.grad();
  }
  write_safetensors(out_file, out);
  if (!task.torchscript.empty())
    export_torchscript(*task.encoder, task.input, task.torchscript, {{"about", "a test"}});
  if (task.safetensors.empty()) return;
  TensorMap all;
  for (const auto* list : {&task.encoder->parameters().learned(), &task.encoder->parameters().buffers()})
    for (const auto& parameter : *list) all[parameter.name] = parameter.tensor.detach();
  write_safetensors(task.safetensors, all);
}

}  // namespace
}  // namespace lodestone

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  try {
    lodestone::run(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::cerr << lodestone::explain(error) << std::endl;
    return 1;
  }
  return 0;
}
