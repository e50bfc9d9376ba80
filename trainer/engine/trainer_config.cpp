#include "trainer/engine/trainer.h"

namespace lodestone::engine {

namespace {

constexpr Choice<Precision> kRowTypes[] = {{"float32", Precision::kFloat32},
                                           {"bfloat16", Precision::kBFloat16}};

void check_canonical(const TrainerConfig& config, c10::Device device) {
  const auto refuse = [](const std::string& what) { throw ConfigError("determinism: canonical " + what); };
  if (device.is_cuda())
    refuse("is for device: cpu, whose kernels add in one order; use determinism: world on GPUs");
  if (config.batch_norm == encoders::BatchNormMode::kSync)
    refuse(
        "takes the statistics of batch norm from each micro-shard; use batch_norm: local or frozen, got "
        "sync");
  if (config.micro_batch > 0) refuse("cuts the batch in micro_shards; use micro_batch: 0");
  if (config.exchange != RowExchange::kGather || config.wire != Precision::kFloat32)
    refuse("gathers all embeddings unchanged on every rank; use exchange: gather and wire: float32");
  if (config.loss_head.mining_scope != MiningScope::kGlobal)
    refuse("compares all rows, whatever the number of ranks; use mining_scope: global");
}

}  // namespace

void TrainerConfig::visit(Fields& f) {
  f.nested({.name = "optimizer", .doc = "update rule of the parameters"}, optimizer);
  f.nested({.name = "schedule", .doc = "number of steps, and the learning rate over time"}, schedule);
  f.nested({.name = "ema",
            .doc = "running average of the weights, which is evaluated and exported in their place"},
           average);
  f.choice(
      {.name = "precision",
       .doc = "type of the encoder's matrix products and convolutions while training; weights, sums and the "
              "loss stay in float32. float16 uses an adaptive loss scale and needs CUDA"},
      &precision, kPrecisions);
  f.choice(
      {.name = "batch_norm",
       .doc = "statistics in training: local, of each rank's rows; sync, of the global batch; frozen, the "
              "running ones"},
      &batch_norm,
      {{"local", encoders::BatchNormMode::kLocal},
       {"sync", encoders::BatchNormMode::kSync},
       {"frozen", encoders::BatchNormMode::kFrozen}});
  f.field(
      {.name = "micro_batch",
       .doc =
           "number of rows of a rank that are encoded at a time; the loss is still over the whole batch (0: "
           "all at once)",
       .unit = "rows",
       .min = 0},
      &micro_batch);
  f.field(
      {.name = "activation_checkpointing",
       .doc =
           "whether only the inputs of the encoder's blocks are kept, and the blocks computed again in the "
           "backward pass: less memory for one more forward pass"},
      &activation_checkpointing);
  f.choice({.name = "exchange",
            .doc = "exchange of embeddings. gather: every rank holds all embeddings of the global batch; "
                   "ring: ranks pass them around"},
           &exchange, {{"gather", RowExchange::kGather}, {"ring", RowExchange::kRing}});
  f.choice({.name = "wire", .doc = "type in which embeddings are sent between ranks"}, &wire, kRowTypes);
  f.choice({.name = "similarity_precision",
            .doc = "type of the rows whose similarities are computed; sums are float32 in both"},
           &similarity_precision, kRowTypes);
  non_finite.visit(f);
  determinism.visit(f);
  loss_head.visit(f);
}

void TrainerConfig::check(c10::Device device) const {
  check_precision(precision, device);
  if (determinism.canonical()) check_canonical(*this, device);
  if (micro_batch > 0 && batch_norm == encoders::BatchNormMode::kSync)
    throw ConfigError(
        "micro_batch: batch_norm: sync needs the whole global batch at once; use batch_norm: local or "
        "frozen, or micro_batch: 0");
}

void TrainerConfig::check(c10::Device device, const encoders::Encoder& encoder) const {
  check(device);
  if (activation_checkpointing && !encoder.can_recompute())
    throw ConfigError(
        "activation_checkpointing: expected an encoder whose blocks can be computed again, got one that has "
        "none; leave it out");
}

}  // namespace lodestone::engine
