#include "trainer/run/trained_model.h"

#include <ATen/core/grad_mode.h>

#include "common/files.h"
#include "common/safetensors.h"
#include "trainer/coordinator/checkpoints/snapshot.h"
#include "trainer/run/bad_record_reporter.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/checkpoint_config.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/named_model.h"
#include "trainer/run/own_weights.h"
#include "trainer/run/ranks.h"
#include "trainer/run/start/host_reporter.h"

namespace lodestone::run {

namespace {

void warn_for_host(const std::string& sentence) {
  if (reports_for_host(sentence)) make_log(0, 1)->warn("{}", sentence);
}

// What is evaluated: the same text for the same data.
std::string evaluated_data(const RunConfig& config) {
  sampler::ImageSourceConfig data = config.data.resolved(config.evaluate.data);
  sampler::TextLayout text = config.evaluate.text;
  return write_yaml([&](Fields& f) {
    f.nested({.name = "data"}, data);
    f.nested({.name = "text"}, text);
  });
}

}  // namespace

TrainedModel::TrainedModel(const Tables& tables, const std::string& named,
                           const std::vector<std::string>& assignments, bool allow_code)
    : path_(named), config_(tables) {
  if (kind_of_model(named) == ModelKind::kConfiguration) {
    read_named_config(named, assignments, allow_code, config_);
    check_has_weights(config_, named);
    if (const std::string sentence = trained_elsewhere(config_, named); !sentence.empty())
      warn_for_host(sentence);
    return;
  }
  checkpoint_ = coordinator::load_checkpoint(named, warn_for_host);
  path_ = checkpoint_->path;
  read_checkpoint_config(*checkpoint_, assignments, allow_code, config_);
  const auto& tensors = checkpoint_->snapshot.tensors;
  const auto weights = tensors.find(coordinator::evaluated_weights(checkpoint_->snapshot));
  if (weights != tensors.end()) weights_ = checksum(encode_safetensors(weights->second));
}

std::optional<coordinator::RunFolder> TrainedModel::run() const {
  if (!checkpoint_) return {};
  return coordinator::RunFolder::of_checkpoint(path_);
}

std::string TrainedModel::name() const {
  const auto folder = run();
  return folder ? folder->name() : path_.stem().string();
}

bool TrainedModel::evaluates_own_data() const {
  if (!checkpoint_) return false;
  RunConfig kept(config_.tables);
  read_stored_config(checkpoint_->config_yaml, path_.string() + "/config.yaml", {}, kept);
  // A run that names no evaluation data has no report that other data could replace.
  if (kept.evaluate.data.path.empty() && kept.evaluate.data.mixture.empty()) return true;
  return evaluated_data(kept) == evaluated_data(config_);
}

void TrainedModel::build(Logger* log) {
  build_encoder(config_, *config_.encoder);
  if (checkpoint_) return restore_model(checkpoint_->snapshot, config_);
  for (const std::string& sentence : load_own_weights(config_))
    if (log != nullptr) log->info("weights: {}", sentence);
  weights_ = checksum(encode_safetensors(weights_of(config_.encoder->parameters())));
}

void TrainedModel::load(const coordinator::RunContext& context) {
  device_ = context.launch.device();
  build(context.is_main_rank() ? context.log.get() : nullptr);
  log_remarks(*config_.encoder, context, /*training=*/false);
  config_.encoder->parameters().convert(at::kFloat, device_);
}

void TrainedModel::prepare(const coordinator::RunContext& context) {
  load(context);
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
          {"step", std::to_string(step())}};
}

void TrainedModel::check_made_here(const search::Embeddings& embeddings, const std::string& file,
                                   const std::string& remedy) const {
  const auto model = embeddings.about.find("model");
  if (model == embeddings.about.end() || model->second != weights_)
    throw ConfigError(file + ": expected embeddings of this model's weights, got those of others; " + remedy +
                      ", or name the model that made them");
}

std::filesystem::path TrainedModel::calibration_file() const {
  if (const auto folder = run()) return search::calibration_file(folder->root());
  return path_.string() + ".calibration.json";
}

std::optional<search::Calibration> TrainedModel::calibration(Logger& log) const {
  const auto found = search::read_calibration(calibration_file());
  // Files of earlier versions name the step alone.
  if (found && (found->weights.empty() ? found->step != step() : found->weights != weights_))
    log.warn(
        "the threshold was set on other weights, of step {}; these are of step {}: `lodestone evaluate MODEL "
        "--calibrate RATE` sets it again",
        found->step, step());
  return found;
}

int with_model(const Tables& tables, const std::string& named, const std::vector<std::string>& assignments,
               bool allow_code, const std::function<int(coordinator::RunContext&, TrainedModel&)>& body) {
  TrainedModel model(tables, named, assignments, allow_code);
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
