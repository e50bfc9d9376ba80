// Trains on a folder of images by class without the command line, and embeds an image of zeros.
// usage: train FOLDER RUN. RUN is a run folder as `lodestone train` writes it. Start the program again to
// continue; mpirun starts more ranks.
#include <cstdio>
#include <exception>
#include <iostream>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <lodestone/common/error.h>
#include <lodestone/common/exit_code.h>
#include <lodestone/common/yaml.h>
#include <lodestone/trainer/run/build_encoder.h>
#include <lodestone/trainer/run/ranks.h>
#include <lodestone/trainer/run/training_run.h>

namespace {

constexpr const char* kSettings = R"(
global_batch: 8
data: {image: {width: 28, height: 28}}
sampler: {name: pk, samples_per_class: 2}
encoder: {name: conv4, embedding: 32}
loss: supcon
schedule: {steps: 20, warmup_steps: 0}
)";

void embed(const lodestone::run::RunConfig& config) {
  const at::NoGradGuard no_grad;
  const lodestone::encoders::InputShape shape = lodestone::run::input_shape(config);
  const at::Tensor image = at::zeros({1, shape.channels, shape.height, shape.width});
  const at::Tensor z_bD = config.encoder->forward(image, {});
  std::printf("an embedding of %ld numbers\n", static_cast<long>(z_bD.size(1)));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) throw lodestone::ConfigError("expected a folder of images and a run folder; name both");
  const lodestone::coordinator::StopSignals signals;  // SIGTERM and SIGINT: save a checkpoint, then end
  lodestone::run::PromptStop prompt(signals);
  lodestone::run::RunConfig config{lodestone::run::Tables()};  // Tables(extensions) knows losses of our own
  lodestone::run::read_run_config(
      lodestone::parse_yaml(kSettings, "settings"),
      {std::string("data.train.path=") + argv[1], std::string("run_dir=") + argv[2]}, "train", config);
  return lodestone::run::run_on_ranks(config, [&](lodestone::coordinator::RunContext& context) {
    const lodestone::run::PromptStop::Attendance attendance(prompt, context);
    const int code = lodestone::run::TrainingRun(config, context, {}, signals, prompt).run();
    if (code == lodestone::kDone && context.is_main_rank()) embed(config);
    return code;
  });
} catch (const std::exception& error) {
  std::cerr << "train: error: " << lodestone::explain(error) << '\n';
  return lodestone::exit_code(error);
}
