#include "trainer/engine/trainer.h"

#include <chrono>
#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/from_blob.h>

#include "distributed/group.h"
#include "trainer/encoders/parameter_state.h"
#include "trainer/engine/health.h"

namespace lodestone::engine {

namespace {

// lap() returns the seconds since the previous call.
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

}  // namespace

encoders::ForwardMode training_mode(const distributed::Group& world, encoders::BatchNormMode batch_norm) {
  encoders::ForwardMode mode;
  mode.training = true;
  mode.batch_norm = batch_norm;
  if (mode.batch_norm == encoders::BatchNormMode::kSync && world.size() > 1) {
    mode.sum_over_ranks = [world](const at::Tensor& x) {
      at::Tensor sum = x.contiguous().clone();
      world.all_reduce(sum);
      return sum;
    };
  }
  return mode;
}

std::optional<miners::Tuples> explicit_tuples(const sampler::Batch& batch, sampler::Range anchors,
                                              c10::Device device) {
  if (batch.tuples.empty()) return {};
  std::vector<int64_t> anchor, positive, negative;
  for (const sampler::Tuple& tuple : batch.tuples) {
    if (tuple.anchor < anchors.begin || tuple.anchor >= anchors.end) continue;
    anchor.push_back(tuple.anchor);
    positive.push_back(tuple.is_triplet() || tuple.same ? tuple.other : -1);
    negative.push_back(tuple.is_triplet() ? tuple.negative : tuple.same ? -1 : tuple.other);
  }
  return miners::Tuples{integers(anchor, device), integers(positive, device), integers(negative, device)};
}

namespace {

// Checks the configuration before any member is built collectively.
const TrainerConfig& checked(const TrainerConfig& config, c10::Device device,
                             const encoders::Encoder& encoder) {
  config.check(device, encoder);
  return config;
}

LossHeadSetup with_keys(LossHeadSetup setup,
                        std::function<at::Tensor(encoders::Encoder&, const Features&)> keys) {
  setup.keys = std::move(keys);
  return setup;
}

}  // namespace

Trainer::Trainer(distributed::Group world, c10::Device device, encoders::Encoder& encoder,
                 negatives::Objective objective, const TrainerConfig& config, LossHeadSetup setup)
    : world_(world),
      device_(device),
      encoder_(encoder),
      objective_(objective),
      config_(checked(config, device, encoder)),
      mode_(training_mode(world, config.batch_norm)),
      seed_(setup.seed),
      pass_(make_encoder_pass(world, encoder, config.pass())),
      loss_head_(pass_->loss_world(), device, objective, config.loss_head, config.optimizer,
                 with_keys(setup,
                           [this](encoders::Encoder& momentum_encoder, const Features& x) {
                             return pass_->encode_keys(momentum_encoder, x, share_, global_rows_);
                           }),
                 encoder),
      optimizer_(config.optimizer, encoder.parameters().learned()),
      scaler_(config.precision) {
  if (config.average.on()) average_.emplace(config.average, encoder.parameters());
  mode_.recompute = config.activation_checkpointing;
}

StepMetrics Trainer::step(const sampler::Batch& batch, double load_seconds) {
  StepMetrics report;
  world_.set_step(steps_done_ + 1);
  Stopwatch clock;
  report.phases.load = load_seconds;
  non_finite_.reset();
  if (config_.non_finite.skips()) kept_.emplace(encoder_.parameters().buffers());

  const Features x = batch.features.to(device_);
  mode_.draw = {seed_, steps_done_, {}};
  share_ = batch.share;
  global_rows_ = batch.global_rows;
  z_bD_ = pass_->encode(x, mode_, share_, global_rows_);
  report.phases.encode = clock.lap();

  const negatives::StepLoss loss = loss_of(x, batch, z_bD_);
  report.phases.gather = loss.gather_seconds;
  report.phases.loss = clock.lap() - loss.gather_seconds;
  if (std::isfinite(loss.loss)) {
    measure_health(loss, report.health);
    backward(scaler_.on() ? loss.gradient_bD * scaler_.scale() : loss.gradient_bD, report.phases);
    clock.lap();
    update(loss, report);
    report.phases.update = clock.lap();
  } else {
    handle_non_finite(NonFiniteValue::kLoss, loss.loss, loss.gradient_bD);
  }

  report.step = ++steps_done_;
  report.epoch = batch.cursor.epoch;
  report.samples = batch.global_rows;
  report.run_samples = counters_.samples += batch.global_rows;
  report.loss = loss.loss;
  const PhaseSeconds& p = report.phases;
  report.step_seconds = p.load + p.encode + p.gather + p.loss + p.backward + p.reduce + p.update;
  return report;
}

negatives::StepLoss Trainer::loss_of(const Features& x, const sampler::Batch& batch, const at::Tensor& z_bD) {
  Stopwatch clock;
  const auto [rows, share] = pass_->rows_for_loss(local_rows(batch, z_bD), batch.share, batch.global_rows);
  const double gather_seconds = clock.lap();
  negatives::StepLoss loss =
      loss_head_.loss(rows, x, share.begin, explicit_tuples(batch, share, device_), steps_done_);
  loss.gather_seconds += gather_seconds;
  loss.gradient_bD = pass_->own_part(loss.gradient_bD, batch.share);
  return loss;
}

void Trainer::backward(const at::Tensor& gradient_bD, PhaseSeconds& phases) {
  Stopwatch clock;
  pass_->backward(gradient_bD);
  phases.backward = clock.lap();
  pass_->reduce();
  phases.reduce = clock.lap();
}

void Trainer::measure_health(const negatives::StepLoss& loss, ContrastiveHealth& health) const {
  health = health_of(loss, objective_);
  if (const auto ages = loss_head_.memory_ages(steps_done_)) {
    health.memory_age_mean = ages->mean;
    health.memory_age_max = ages->largest;
  }
}

void Trainer::update(const negatives::StepLoss& loss, StepMetrics& report) {
  const double factor = config_.schedule.factor(steps_done_);
  report.learning_rate = optimizer_.learning_rate() * factor;
  if (scaler_.on()) report.loss_scale = scaler_.scale();
  const double norm = optimizer_.clip(scaler_.scale());
  world_.check("gradient_sync");  // only now is the gradient sum complete on a GPU
  const bool overflows = scaler_.on() && !std::isfinite(norm);
  scaler_.update(!overflows);
  if (overflows) {
    optimizer_.clear();
    return;
  }
  if (!std::isfinite(norm)) return handle_non_finite(NonFiniteValue::kGradient, norm, loss.gradient_bD);
  report.gradient_norm = norm;
  optimizer_.step(factor);
  loss_head_.update(loss, factor, encoder_);
  if (average_) average_->follow(steps_done_);
}

negatives::LocalRows Trainer::local_rows(const sampler::Batch& batch, const at::Tensor& z_bD) const {
  return {z_bD, integers(batch.labels, device_), integers(batch.groups, device_),
          integers(batch.ids, device_)};
}

// The loss and the reduced gradient are the same on every rank, so either all ranks call this or none does.
void Trainer::handle_non_finite(NonFiniteValue what, double value, const at::Tensor& gradient_bD) {
  ++counters_.non_finite_steps;
  non_finite_ = find_non_finite(world_, {steps_done_ + 1, what, value, "", {}}, {z_bD_, gradient_bD},
                                encoder_.parameters().learned());
  optimizer_.clear();
  const NonFiniteConfig& config = config_.non_finite;
  if (config.skips() && counters_.non_finite_steps <= config.limit) return kept_->put_back();
  throw NonFiniteError(*non_finite_,
                       "the weights are those of the previous step. Lower optimizer.learning_rate, set "
                       "optimizer.clip_norm, check the data's scale, or see on_non_finite");
}

void Trainer::share_buffers() {
  at::NoGradGuard no_grad;
  for (const auto& buffer : encoder_.parameters().buffers()) {
    at::Tensor value = buffer.tensor;
    world_.broadcast(value);
    if (!average_) continue;
    value = average_->of(buffer.name);
    world_.broadcast(value);
  }
}

std::unique_ptr<Average::InPlace> Trainer::averaged() {
  return average_ ? std::make_unique<Average::InPlace>(*average_) : nullptr;
}

// Do batch norm's running statistics come from this rank's rows only?
bool Trainer::keeps_own_statistics() const {
  return pass_->statistics_are_per_rank() && mode_.batch_norm == encoders::BatchNormMode::kLocal;
}

void Trainer::visit_state(StateVisitor& v) {
  encoders::visit_parameters(v, "model", encoder_.parameters());
  optimizer_.visit_state(v, "optimizer");
  if (average_) average_->visit_state(v);
  scaler_.visit_state(v);
  if (keeps_own_statistics()) encoders::visit_own_statistics(v, "", encoder_.parameters());
  loss_head_.visit_state(v, keeps_own_statistics());
  v.number("", "step", steps_done_);
  v.number("", "counters.samples", counters_.samples);
  v.number("", "counters.non_finite_steps", counters_.non_finite_steps);
}

}  // namespace lodestone::engine
