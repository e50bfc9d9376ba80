#include "trainer/engine/trainer.h"

namespace lodestone {

namespace {

constexpr Choice<Precision> kRowTypes[] = {{"float32", Precision::kFloat32},
                                           {"bfloat16", Precision::kBFloat16}};

void check_canonical(const TrainerConfig& config, c10::Device device) {
  const auto refuse = [](const std::string& what) { throw ConfigError("determinism: canonical " + what); };
  if (device.is_cuda())
    refuse("is for device: cpu, whose kernels add in one order; use determinism: world on GPUs");
  if (config.batch_norm == BatchNormMode::kSync)
    refuse(
        "takes the statistics of batch norm from each micro-shard; use batch_norm: local or frozen, got "
        "sync");
  if (config.micro_batch > 0) refuse("cuts the batch in micro_shards; use micro_batch: 0");
  if (config.exchange != RowExchange::kGather || config.wire != Precision::kFloat32)
    refuse("hands all embeddings to every rank as they are; use exchange: gather and wire: float32");
  if (config.loss_side.mining_scope != MiningScope::kGlobal)
    refuse("lets all rows meet, since ranks don't count; use mining_scope: global");
}

}  // namespace

void TrainerConfig::visit(Fields& f) {
  f.nested({.name = "optimizer", .doc = "how gradients become updates"}, optimizer);
  f.nested({.name = "schedule", .doc = "how long, and the learning rate over time"}, schedule);
  f.nested(
      {.name = "ema", .doc = "a running average of the weights, which is then what is judged and exported"},
      average);
  f.choice(
      {.name = "precision",
       .doc = "type of the encoder's matrix products and convolutions while training; weights, sums and the "
              "loss stay in "
              "float32. float16, with a loss scale that adapts itself, needs CUDA"},
      &precision, kPrecisions);
  f.choice(
      {.name = "batch_norm",
       .doc = "statistics while training: of each rank's rows, of the global batch, or the running ones"},
      &batch_norm,
      {{"local", BatchNormMode::kLocal}, {"sync", BatchNormMode::kSync}, {"frozen", BatchNormMode::kFrozen}});
  f.field(
      {.name = "micro_batch",
       .doc =
           "rows of a rank that are encoded at a time; the loss still sees the whole batch (0: all at once)",
       .unit = "rows",
       .min = 0},
      &micro_batch);
  f.field({.name = "activation_checkpointing",
           .doc = "keep only the inputs of the encoder's blocks and compute the blocks again in the backward "
                  "pass: less "
                  "memory for one more forward pass"},
          &activation_checkpointing);
  f.choice({.name = "exchange",
            .doc = "hold all embeddings of the global batch on every rank, or hand them round in a ring"},
           &exchange, {{"gather", RowExchange::kGather}, {"ring", RowExchange::kRing}});
  f.choice({.name = "wire", .doc = "type in which embeddings travel between ranks"}, &wire, kRowTypes);
  f.choice({.name = "similarity_precision",
            .doc = "type of the rows whose similarities are formed; sums are float32 in either"},
           &similarity_precision, kRowTypes);
  non_finite.visit(f);
  determinism.visit(f);
  loss_side.visit(f);
}

void TrainerConfig::check(c10::Device device, const Encoder& encoder) const {
  check_precision(precision, device);
  if (determinism.canonical()) check_canonical(*this, device);
  if (micro_batch > 0 && batch_norm == BatchNormMode::kSync)
    throw ConfigError(
        "micro_batch: batch_norm: sync needs the whole global batch at once; use batch_norm: local or "
        "frozen, or "
        "micro_batch: 0");
  if (activation_checkpointing && !encoder.can_recompute())
    throw ConfigError(
        "activation_checkpointing: expected an encoder of blocks (resnet, vit, bert), got one that has none; "
        "leave it out");
}

}  // namespace lodestone
