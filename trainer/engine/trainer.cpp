#include "trainer/engine/trainer.h"

#include <chrono>
#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/from_blob.h>

#include "distributed/group.h"
#include "trainer/engine/health.h"

namespace lodestone {

namespace {

// Hands out the seconds since it was last asked.
class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

at::Tensor integers(const std::vector<int64_t>& values, c10::Device device) {
  return at::from_blob(const_cast<int64_t*>(values.data()), {static_cast<int64_t>(values.size())}, at::kLong)
      .to(device, at::kLong, /*non_blocking=*/false, /*copy=*/true);
}

std::vector<at::Tensor> handles(const std::vector<Parameter>& parameters) {
  std::vector<at::Tensor> tensors;
  for (const auto& parameter : parameters) tensors.push_back(parameter.tensor);
  return tensors;
}

}  // namespace

ForwardMode training_mode(const Group& world, const std::string& batch_norm) {
  ForwardMode mode;
  mode.training = true;
  mode.batch_norm = batch_norm == "sync"     ? BatchNormMode::kSync
                    : batch_norm == "frozen" ? BatchNormMode::kFrozen
                                             : BatchNormMode::kLocal;
  if (mode.batch_norm == BatchNormMode::kSync && world.size() > 1) {
    mode.sum_over_ranks = [world](const at::Tensor& x) {
      at::Tensor sum = x.contiguous().clone();
      world.all_reduce(sum);
      return sum;
    };
  }
  return mode;
}

ForwardMode mode_for_share(const ForwardMode& mode, Range share) {
  ForwardMode own = mode;
  own.draw.row_b = at::arange(share.begin, share.end);
  return own;
}

std::optional<Tuples> explicit_tuples(const Batch& batch, c10::Device device) {
  if (batch.tuples.empty()) return {};
  std::vector<int64_t> anchor, positive, negative;
  for (const Tuple& tuple : batch.tuples) {
    if (tuple.anchor < batch.share.begin || tuple.anchor >= batch.share.end) continue;
    anchor.push_back(tuple.anchor);
    positive.push_back(tuple.is_triplet() || tuple.same ? tuple.other : -1);
    negative.push_back(tuple.is_triplet() ? tuple.negative : tuple.same ? -1 : tuple.other);
  }
  return Tuples{integers(anchor, device), integers(positive, device), integers(negative, device)};
}

void TrainerConfig::visit(Fields& f) {
  f.nested({"optimizer", "how gradients become updates"}, optimizer);
  f.nested({"schedule", "how long, and the learning rate over time"}, schedule);
  f.nested({"ema", "a running average of the weights, which is then what is judged and exported"}, average);
  f.field({"precision",
           "type of the encoder's matrix products and convolutions while training; weights, sums and the "
           "loss stay in "
           "float32. float16, with a loss scale that adapts itself, needs CUDA",
           "",
           {},
           {},
           {"float32", "bfloat16", "float16"}},
          &precision);
  f.field({"batch_norm",
           "statistics while training: of each rank's rows, of the global batch, or the running ones",
           "",
           {},
           {},
           {"local", "sync", "frozen"}},
          &batch_norm);
  f.field({"micro_batch",
           "rows of a rank that are encoded at a time; the loss still sees the whole batch (0: all at once)",
           "rows", 0},
          &micro_batch);
  f.field(
      {"activation_checkpointing",
       "keep only the inputs of the encoder's blocks and compute the blocks again in the backward pass: less "
       "memory for one more forward pass"},
      &activation_checkpointing);
  f.field({"exchange",
           "hold all embeddings of the global batch on every rank, or hand them round in a ring",
           "",
           {},
           {},
           {"gather", "ring"}},
          &exchange);
  f.field({"wire", "type in which embeddings travel between ranks", "", {}, {}, {"float32", "bfloat16"}},
          &wire);
  f.field({"similarity_precision",
           "type of the rows whose similarities are formed; sums are float32 in either",
           "",
           {},
           {},
           {"float32", "bfloat16"}},
          &similarity_precision);
  non_finite.visit(f);
  loss_side.visit(f);
}

Trainer::Trainer(Group world, c10::Device device, Encoder& encoder, Objective objective,
                 const TrainerConfig& config, LossSideSetup setup)
    : world_(world),
      device_(device),
      encoder_(encoder),
      objective_(objective),
      config_(config),
      mode_(training_mode(world, config.batch_norm)),
      seed_(setup.seed),
      sync_(world, handles(encoder.parameters().learned())),
      cache_(encoder, sync_, config.micro_batch, config.precision),
      loss_side_(world, device, objective, config.loss_side, config.optimizer, setup, encoder),
      optimizer_(config.optimizer, encoder.parameters().learned()),
      scaler_(config.precision) {
  check_precision(config.precision, device);
  if (config.average.on()) average_.emplace(config.average, encoder.parameters());
  if (config.micro_batch > 0 && config.batch_norm == "sync")
    throw ConfigError(
        "micro_batch: batch_norm: sync needs the whole global batch at once; use batch_norm: local or "
        "frozen, or "
        "micro_batch: 0");
  if (config.activation_checkpointing && !encoder.can_recompute())
    throw ConfigError(
        "activation_checkpointing: expected an encoder of blocks (resnet, vit, bert), got one that has none; "
        "leave it out");
  mode_.recompute = config.activation_checkpointing;
}

StepMetrics Trainer::step(const Batch& batch, double load_seconds) {
  StepMetrics report;
  world_.set_step(steps_done_ + 1);
  Stopwatch clock;
  report.phases.load = load_seconds;
  non_finite_.reset();
  if (config_.non_finite.skips()) kept_.emplace(encoder_.parameters().buffers());

  const Features x = batch.features.to(device_);
  mode_.draw = {seed_, steps_done_, {}};
  const at::Tensor z_bD = cache_.encode(x, mode_for_share(mode_, batch.share));
  z_bD_ = z_bD.detach();
  report.phases.encode = clock.lap();

  const StepLoss loss = loss_side_.loss(local_rows(batch, z_bD), x, batch.share.begin,
                                        explicit_tuples(batch, device_), steps_done_);
  report.phases.gather = loss.gather_seconds;
  report.phases.loss = clock.lap() - loss.gather_seconds;
  if (std::isfinite(loss.loss)) {
    look_at_health(loss, report.health);
    cache_.backward(scaler_.on() ? loss.gradient_bD * scaler_.scale() : loss.gradient_bD);
    report.phases.backward = clock.lap();
    sync_.finish();
    report.phases.reduce = clock.lap();
    update(loss, report);
    report.phases.update = clock.lap();
  } else {
    meet_non_finite("loss", loss.loss, loss.gradient_bD);
  }

  report.step = ++steps_done_;
  report.epoch = batch.cursor.epoch;
  report.samples = batch.global_rows;
  report.loss = loss.loss;
  const PhaseSeconds& p = report.phases;
  report.step_seconds = p.load + p.encode + p.gather + p.loss + p.backward + p.reduce + p.update;
  return report;
}

void Trainer::look_at_health(const StepLoss& loss, ContrastiveHealth& health) const {
  health = health_of(loss, objective_);
  if (const auto ages = loss_side_.memory_ages(steps_done_)) {
    health.memory_age_mean = ages->mean;
    health.memory_age_max = ages->largest;
  }
}

void Trainer::update(const StepLoss& loss, StepMetrics& report) {
  const double factor = config_.schedule.factor(steps_done_);
  report.learning_rate = optimizer_.learning_rate() * factor;
  if (scaler_.on()) report.loss_scale = scaler_.scale();
  const double norm = optimizer_.clip(scaler_.scale());
  const bool overflows = scaler_.on() && !std::isfinite(norm);
  scaler_.update(!overflows);
  if (overflows) {
    optimizer_.clear();
    return;
  }
  if (!std::isfinite(norm)) return meet_non_finite("gradient", norm, loss.gradient_bD);
  report.gradient_norm = norm;
  optimizer_.step(factor);
  loss_side_.update(loss, factor, encoder_);
  if (average_) average_->follow(steps_done_);
}

LocalRows Trainer::local_rows(const Batch& batch, const at::Tensor& z_bD) const {
  return {z_bD, integers(batch.labels, device_), integers(batch.groups, device_),
          integers(batch.ids, device_)};
}

// The loss and the reduced gradient are the same on every rank, so all of them come here or none.
void Trainer::meet_non_finite(const char* what, double value, const at::Tensor& gradient_bD) {
  ++non_finite_steps_;
  non_finite_ = find_non_finite(world_, {steps_done_ + 1, what, value, "", {}}, {z_bD_, gradient_bD},
                                encoder_.parameters().learned());
  optimizer_.clear();
  const NonFiniteConfig& config = config_.non_finite;
  if (config.skips() && non_finite_steps_ <= config.limit) return kept_->put_back();
  throw NonFiniteError(*non_finite_, "the weights are those of the step before. Lower optimizer.learning_rate, set "
                                     "optimizer.clip_norm, check the data's scale, or see on_non_finite");
}

void Trainer::share_buffers() {
  at::NoGradGuard no_grad;
  for (const auto& buffer : encoder_.parameters().buffers()) {
    at::Tensor value = buffer.tensor;
    world_.broadcast(value);
    if (!average_) continue;
    value = average_->tensors().at(buffer.name);
    world_.broadcast(value);
  }
}

std::unique_ptr<Average::InPlace> Trainer::averaged() {
  return average_ ? std::make_unique<Average::InPlace>(*average_) : nullptr;
}

std::map<std::string, std::map<std::string, at::Tensor>> Trainer::tensors() const {
  std::map<std::string, std::map<std::string, at::Tensor>> all;
  for (const auto* list : {&encoder_.parameters().learned(), &encoder_.parameters().buffers()})
    for (const auto& parameter : *list) all["model"][parameter.name] = parameter.tensor.detach();
  all["optimizer"] = optimizer_.state();
  if (average_) all["ema"] = average_->tensors();
  if (scaler_.on()) all["scaler"] = scaler_.tensors();
  return all;
}

std::map<std::string, at::Tensor> Trainer::own_statistics() const {
  std::map<std::string, at::Tensor> own;
  if (world_.size() == 1 || mode_.batch_norm != BatchNormMode::kLocal) return own;
  const auto take = [&own](const std::string& prefix, const std::map<std::string, at::Tensor>& tensors) {
    for (const auto& [name, tensor] : tensors)
      if (name.find("running_") != std::string::npos) own[prefix + name] = tensor;
  };
  take("", tensors().at("model"));
  take("momentum_encoder.", loss_side_.slow_tensors());
  return own;
}

}  // namespace lodestone
