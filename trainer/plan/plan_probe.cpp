#include "trainer/plan/plan_probe.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <thread>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <c10/util/Logging.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include "common/state_handles.h"
#include "trainer/coordinator/metrics/traffic_fields.h"
#include "trainer/plan/flop_count.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/checkpoint_config.h"

namespace lodestone::plan {

namespace {

constexpr int kSteps = 4;  // the first is a warm-up
constexpr int64_t kLossRows = 1024;
constexpr int64_t kFewRows = 8, kRowsOfSmallImages = 32, kSmallPixels = 64 * 64;
constexpr int64_t kTrafficRows = 8;  // the bytes sent follow from shapes alone

/// Peak of the memory that LibTorch has allocated since construction.
class HeldBytes : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device) override {
    const int64_t now = held_ += bytes;
    for (int64_t peak = peak_; now > peak && !peak_.compare_exchange_weak(peak, now);) {
    }
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t peak() const { return peak_; }

 private:
  std::atomic<int64_t> held_{0}, peak_{0};
};

/// During its lifetime LibTorch logs no warnings. A profiler that begins after memory was allocated, as
/// HeldBytes does on purpose, makes it warn of each block that it frees.
class NoWarnings {
 public:
  NoWarnings() { FLAGS_caffe2_log_level = std::max(before_, static_cast<int>(c10::GLOG_ERROR)); }
  ~NoWarnings() { FLAGS_caffe2_log_level = before_; }
  NoWarnings(const NoWarnings&) = delete;
  NoWarnings& operator=(const NoWarnings&) = delete;

 private:
  const int before_ = FLAGS_caffe2_log_level;
};

Features made_up(const encoders::InputShape& shape, int64_t rows) {
  Features x;
  const bool both = shape.channels > 0 && shape.vocabulary > 0;
  const int64_t n = both ? (rows + 1) / 2 : rows, texts = both ? rows / 2 : rows;
  if (shape.channels > 0) x.pixels_nCHW = at::rand({n, shape.channels, shape.height, shape.width});
  if (shape.vocabulary > 0) {
    x.tokens_nT = at::randint(shape.vocabulary, {texts, shape.max_tokens}, at::kLong);
    x.mask_nT = at::ones({texts, shape.max_tokens}, at::kBool);
  }
  if (both) x.is_text_b = at::arange(rows).remainder(2).to(at::kBool);
  return x;
}

/// One rank of the trial steps, with a configuration of its own, since an encoder belongs to one trainer.
class Trial {
 public:
  Trial(const ProbeOptions& options, distributed::Group world)
      : options_(options), world_(std::move(world)), config_(options.tables) {
    run::read_named_config(options.root, options.config, options.assignments, options.allow_code, config_);
    config_.training.micro_batch = 0;
    config_.training.determinism = {};
    engine::Precision& precision = config_.training.precision;
    if (precision == engine::Precision::kFloat16) precision = engine::Precision::kBFloat16;
  }

  /// The configured encoder, or a nearly free one of the same dimension.
  void build(std::optional<int64_t> width = {}) {
    if (width) {
      shape_ = {1, 1, 1, 0, 0};
      small_.emplace(encoders::encoder_table(), "mlp");
      read_fields(parse_yaml("hidden: []\nembedding: " + std::to_string(*width), "plan"),
                  [&](Fields& f) { (*small_)->visit(f); });
    } else {
      shape_ = run::input_shape(config_);
      check_tokens();
    }
    encoder().build(shape_, 1);
    if (options_.tokens > 0) shape_.max_tokens = std::min(options_.tokens, shape_.max_tokens);
  }

  encoders::Encoder& encoder() { return small_ ? **small_ : *config_.encoder; }
  run::RunConfig& config() { return config_; }
  const encoders::InputShape& shape() const { return shape_; }

  void prepare(int64_t global_rows) {
    rows_ = global_rows;
    engine::LossHeadSetup setup{{}, encoder().output_dim(), at::kFloat, 1, nullptr};
    for (int64_t c = 0; c < std::max(options_.classes, global_rows); ++c) setup.group_c.push_back(c);
    trainer_ = std::make_unique<engine::Trainer>(world_, c10::Device(at::kCPU), encoder(),
                                                 config_.objective(), config_.training, setup);
  }
  engine::StepMetrics step() { return trainer_->step(batch(), 0); }
  engine::Trainer& trainer() { return *trainer_; }
  distributed::Traffic traffic() const { return world_.traffic(); }

 private:
  void check_tokens() const {
    if (options_.tokens > 0 && shape_.vocabulary == 0)
      throw ConfigError("plan: expected --tokens with texts alone, got it with images; leave it out");
    if (options_.tokens > shape_.max_tokens)
      throw ConfigError(
          "plan: expected --tokens of at most max_tokens = " + std::to_string(shape_.max_tokens) + ", got " +
          std::to_string(options_.tokens) + "; give fewer, or raise max_tokens");
  }

  sampler::Batch batch() const {
    sampler::Batch batch;
    batch.global_rows = rows_;
    batch.share = sampler::share_of(rows_, {world_.rank(), world_.size()});
    batch.features = made_up(shape_, batch.share.size());
    for (int64_t i = batch.share.begin; i < batch.share.end; ++i) {
      batch.labels.push_back(config_.loss->pairing() == losses::Pairing::kTowers ? i / 2 : i / 4);
      batch.ids.push_back(i);
    }
    batch.groups = batch.labels;
    batch.indices = batch.ids;
    return batch;
  }

  const ProbeOptions& options_;
  distributed::Group world_;
  run::RunConfig config_;
  std::optional<Slot<encoders::Encoder>> small_;
  encoders::InputShape shape_;
  int64_t rows_ = 0;
  std::unique_ptr<engine::Trainer> trainer_;
};

double bytes_of(const std::map<std::string, at::Tensor>& tensors) {
  double bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += static_cast<double>(tensor.nbytes());
  return bytes;
}

struct Measured {
  double encode = 1e9, backward = 1e9, update = 1e9, loss = 1e9;
  double peak = 0;
};

// The fastest of some steps: other programs only make them slower.
Measured measure(Trial& trial) {
  Measured best;
  const NoWarnings quiet;
  for (int i = 0; i < kSteps; ++i) {
    const auto held = std::make_shared<HeldBytes>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, held);
    const engine::PhaseSeconds phases = trial.step().phases;
    best.peak = static_cast<double>(held->peak());
    if (i == 0) continue;
    best.encode = std::min(best.encode, phases.encode);
    best.backward = std::min(best.backward, phases.backward);
    best.update = std::min(best.update, phases.update);
    best.loss = std::min(best.loss, phases.loss);
  }
  return best;
}

int64_t rows_to_probe(const ProbeOptions& options, const encoders::InputShape& shape) {
  const int64_t pixels = shape.width * shape.height;
  const bool small = shape.vocabulary == 0 && shape.channels > 0 && pixels <= kSmallPixels;
  return options.probe_rows.value_or(small ? kRowsOfSmallImages : kFewRows);
}

void probe_compute(const ProbeOptions& options, StepCost& cost, Machine& here) {
  Trial trial(options, distributed::single_group());
  trial.build();
  encoders::Encoder& encoder = trial.encoder();
  const int64_t rows = rows_to_probe(options, trial.shape());
  const auto few = static_cast<double>(rows), many = 2 * few;
  for (const auto& parameter : encoder.parameters().learned())
    cost.gradient_bytes += static_cast<double>(parameter.tensor.nbytes());
  cost.weight_bytes = cost.gradient_bytes;
  for (const auto& buffer : encoder.parameters().buffers())
    cost.weight_bytes += static_cast<double>(buffer.tensor.nbytes());
  cost.parameters = encoder.parameters().count();
  cost.width = encoder.output_dim();
  {
    const at::NoGradGuard no_grad;
    encoders::ForwardMode mode =
        engine::training_mode(distributed::single_group(), trial.config().training.batch_norm);
    mode.update_statistics = false;
    const FlopCount flops;
    encoder.forward(made_up(trial.shape(), rows), mode);
    cost.flops_per_row = flops.total() / few;
  }
  trial.prepare(rows);
  const Measured small = measure(trial);
  trial.prepare(2 * rows);
  const Measured large = measure(trial);
  const auto kept = state_handles(trial.trainer());
  cost.moment_bytes = bytes_of(kept.at("optimizer"));
  if (kept.contains(engine::kAverageGroup)) cost.average_bytes = bytes_of(kept.at(engine::kAverageGroup));
  // The step also allocates the gradients, which are counted separately.
  cost.working_bytes = ByRows::through(few, small.peak, many, large.peak);
  cost.working_bytes.fixed = std::max(0.0, cost.working_bytes.fixed - cost.gradient_bytes);
  here.encode_seconds = ByRows::through(few, small.encode, many, large.encode);
  here.backward_seconds = ByRows::through(few, small.backward, many, large.backward);
  here.update_seconds = std::min(small.update, large.update);
}

double probe_pair_seconds(const ProbeOptions& options, const StepCost& cost) {
  Trial trial(options, distributed::single_group());
  trial.build(cost.width);
  trial.prepare(kLossRows);
  // The model assumes three products per pair; a single process needs two.
  return 1.5 * measure(trial).loss /
         (static_cast<double>(kLossRows) * (static_cast<double>(kLossRows) + cost.references));
}

// The traffic of one step of this many rows, between two ranks as threads.
distributed::Traffic traffic_of_two(const ProbeOptions& options, int64_t rows) {
  const auto groups = distributed::local_groups(2);
  std::vector<std::thread> threads;
  std::vector<std::exception_ptr> errors(2);
  distributed::Traffic sent;
  for (size_t rank = 0; rank < 2; ++rank)
    threads.emplace_back([&, rank] {
      try {
        Trial trial(options, groups[rank]);
        trial.build();
        trial.prepare(rows);
        trial.step();
        const distributed::Traffic before = trial.traffic();
        trial.step();
        const distributed::Traffic after = trial.traffic();
        if (rank != 0) return;
        for (const auto& [name, verb] : coordinator::kTrafficFields)
          sent.*
              verb = {(after.*verb).calls - (before.*verb).calls, (after.*verb).bytes - (before.*verb).bytes};
      } catch (...) {
        errors[rank] = std::current_exception();
        groups[rank].abort("plan: this rank failed");
      }
    });
  for (auto& thread : threads) thread.join();
  for (const auto& error : errors)
    if (error) std::rethrow_exception(error);
  return sent;
}

void probe_traffic(const ProbeOptions& options, StepCost& cost) {
  using Shape = VerbCost::Shape;
  const int64_t few = 2 * options.probe_rows.value_or(kTrafficRows), many = 2 * few;
  const distributed::Traffic small = traffic_of_two(options, few), large = traffic_of_two(options, many);
  const auto add = [&](const char* name, distributed::CallTraffic distributed::Traffic::*verb, Shape shape,
                       bool of_share, double sent_of_payload) {
    const double scale = of_share ? 0.5 : 1;
    const double a = static_cast<double>((small.*verb).bytes) / sent_of_payload,
                 b = static_cast<double>((large.*verb).bytes) / sent_of_payload;
    cost.verbs.push_back(
        {name, shape, of_share,
         ByRows::through(scale * static_cast<double>(few), a, scale * static_cast<double>(many), b),
         static_cast<double>((large.*verb).calls)});
  };
  // With two ranks each sends all of a reduction's payload, its own part of a gather's, half of a scatter's.
  add("all_reduce", &distributed::Traffic::all_reduce, Shape::kReduce, false, 1);
  add("all_gather", &distributed::Traffic::all_gather, Shape::kGather, true, 1);
  add("reduce_scatter", &distributed::Traffic::reduce_scatter, Shape::kReduce, false, 1);
  add("broadcast", &distributed::Traffic::broadcast, Shape::kOnce, false, 1);
  add("send_recv", &distributed::Traffic::send_recv, Shape::kGather, true, 1);
  add("gradient_sync", &distributed::Traffic::gradient_sync, Shape::kReduce, false, 1);
}

void refuse_what_is_not_planned(const run::RunConfig& config, int64_t classes) {
  if (!config.data.tuples.empty())
    throw ConfigError("plan: expected classes, got data.tuples; plan the same encoder and loss without them");
  if (config.training.loss_head.memory.has_momentum_encoder())
    throw ConfigError("plan: memory.kind momentum is not planned; use none or xbm");
  if (config.loss->uses_proxies() && classes == 0)
    throw ConfigError(
        "plan: this loss has a proxy for each class, and no data are read; say how many by --classes");
}

}  // namespace

StepCost probe_step(const ProbeOptions& options, Machine& here) {
  run::RunConfig config(options.tables);
  run::read_named_config(options.root, options.config, options.assignments, options.allow_code, config);
  refuse_what_is_not_planned(config, options.classes);
  at::set_num_threads(options.threads);
  StepCost cost;
  cost.micro_batch = config.training.micro_batch;
  cost.extra_forward = cost.micro_batch > 0 ? 1 : 0;
  if (config.training.loss_head.memory.on())
    cost.references += static_cast<double>(config.training.loss_head.memory.size);
  cost.references += static_cast<double>(options.classes);
  probe_compute(options, cost, here);
  here.pair_seconds = probe_pair_seconds(options, cost);
  probe_traffic(options, cost);
  return cost;
}

}  // namespace lodestone::plan
