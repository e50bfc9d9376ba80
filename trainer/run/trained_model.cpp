#include "trainer/run/trained_model.h"

#include <ATen/core/grad_mode.h>

#include "common/files.h"
#include "common/safetensors.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/checkpoints/snapshot.h"
#include "trainer/run/bad_record_reporter.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/checkpoint_config.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/ranks.h"
#include "trainer/run/start/host_reporter.h"

namespace lodestone::run {

TrainedModel::TrainedModel(const Tables& tables, const std::string& run,
                           const std::vector<std::string>& assignments, bool allow_code)
    : checkpoint_(coordinator::load_checkpoint(run,
                                               [](const std::string& sentence) {
                                                 if (reports_for_host(sentence))
                                                   make_log(0, 1)->warn("{}", sentence);
                                               })),
      config_(tables) {
  read_checkpoint_config(checkpoint_, assignments, allow_code, config_);
  const auto& tensors = checkpoint_.snapshot.tensors;
  const auto weights = tensors.find(coordinator::evaluated_weights(checkpoint_.snapshot));
  if (weights != tensors.end()) weights_ = checksum(encode_safetensors(weights->second));
}

std::filesystem::path TrainedModel::run_folder() const {
  return coordinator::RunFolder::of_checkpoint(checkpoint_.path).root();
}

void TrainedModel::prepare(const coordinator::RunContext& context) {
  device_ = context.launch.device();
  build_encoder(config_, *config_.encoder);
  log_remarks(*config_.encoder, context, /*training=*/false);
  restore_model(checkpoint_.snapshot, config_);
  config_.encoder->parameters().convert(at::kFloat, device_);
  config_.encoder->hold_weights();
}

at::Tensor TrainedModel::embed(const Features& features) {
  at::NoGradGuard no_grad;
  return as_stored(config_.encoder->forward(features.to(device_), {}).to(at::kFloat))
      .to(at::kCPU)
      .contiguous();
}

engine::Embedded TrainedModel::embed_all(const coordinator::RunContext& context,
                                         const std::shared_ptr<const sampler::Examples>& examples) {
  engine::Embedded all = lodestone::engine::embed(distributed::single_group(), *config_.encoder, device_,
                                                  examples, config_.data.loader);
  all.z_ND = as_stored(all.z_ND);
  BadRecordReporter reporter(examples->dataset()->size(), config_.data.loader.bad_records);
  for (const std::string& message : reporter.report(distributed::single_group(), all.bad))
    context.log->warn("left out a bad record: {}", message);
  return all;
}

at::Tensor TrainedModel::as_stored(const at::Tensor& z_bD) const {
  return config_.normalize ? z_bD / z_bD.norm(2, 1, true).clamp_min(1e-12) : z_bD;
}

std::map<std::string, std::string> TrainedModel::about(const std::string& source) const {
  return {{"format", "lodestone embeddings 1"},
          {"likeness", choice_name(similarity_of(config_), eval::kSimilarities)},
          {"model", weights_},
          {"source", source},
          {"step", std::to_string(checkpoint_.step)}};
}

void TrainedModel::check_made_here(const search::Embeddings& embeddings, const std::string& file) const {
  const auto model = embeddings.about.find("model");
  if (model == embeddings.about.end() || model->second != weights_)
    throw ConfigError(file +
                      ": expected embeddings of this model's weights, got those of others; embed again with "
                      "`lodestone embed`, "
                      "or name the checkpoint that made them");
}

std::optional<search::Calibration> TrainedModel::calibration(Logger& log) const {
  const auto found = search::read_calibration(search::calibration_file(run_folder()));
  if (found && found->step != checkpoint_.step)
    log.warn(
        "the threshold was set on step {}, this is step {}: `lodestone evaluate --calibrate` sets it again",
        found->step, checkpoint_.step);
  return found;
}

int with_model(const Tables& tables, const std::string& run, const std::vector<std::string>& assignments,
               bool allow_code, const std::function<int(coordinator::RunContext&, TrainedModel&)>& body) {
  TrainedModel model(tables, run, assignments, allow_code);
  return run_on_ranks(model.config(), [&](coordinator::RunContext& context) {
    model.prepare(context);
    return body(context, model);
  });
}

void check_alone(const coordinator::RunContext& context, const char* command) {
  if (context.world.size() > 1)
    throw ConfigError(std::string(command) + ": expected one process, got " +
                      std::to_string(context.world.size()) + " ranks; start it without mpirun");
}

}  // namespace lodestone::run
