#include "trainer/commands/session.h"

#include <algorithm>
#include <optional>

#include <ATen/Parallel.h>

#include "common/causes.h"
#include "common/cpu_count.h"
#include "common/log_format.h"
#include "common/stderr_lines.h"
#include "common/torch_error.h"
#include "sampler/image_examples.h"
#include "sampler/sampler_learner.h"
#include "trainer/commands/command.h"
#include "trainer/commands/repeatable.h"
#include "trainer/commands/run_identity.h"
#include "trainer/commands/start_guard.h"
#include "trainer/commands/start_watch.h"
#include "trainer/commands/text_data.h"
#include "trainer/commands/under_key.h"
#include "trainer/commands/verdict.h"

namespace lodestone {

namespace {

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

LaunchOptions launch_options(const DistributedConfig& config) {
  LaunchOptions options;
  options.backend = config.backend;
  options.device = config.device;
  options.group.timeout = milliseconds(config.timeout);
  options.group.compare_calls = config.compare_calls;
  options.peer_timeout = milliseconds(config.peer_timeout);
  return options;
}

}  // namespace

bool speaks_for_its_host() {
  try {
    return discover_launch(process_environment()).local_rank == 0;
  } catch (const ConfigError&) {
    return true;  // which is what there is to say
  }
}

int exit_code(const std::exception& error) {
  if (dynamic_cast<const ConfigError*>(&error)) return kBadUsage;
  if (dynamic_cast<const DataError*>(&error)) return kBadData;
  if (dynamic_cast<const CommError*>(&error)) return kPeerLost;
  if (dynamic_cast<const CheckpointError*>(&error)) return kCheckpointUnusable;
  return kRunFailed;
}

namespace {

// Under the eyes of those who can tell a rank that doesn't come from one that is slow.
Session start_session(const RunConfig& config) {
  const Environment environment = process_environment();
  const LaunchInfo info = discover_launch(environment);
  if (info.world == 1) return Session(config);
  const auto patience = milliseconds(config.distributed.peer_timeout);
  std::optional<StartGuard> guard;
  if (info.local_world <= 1) guard.emplace(std::to_string(info.rank), patience);
  const StartWatch watch(milliseconds(config.distributed.timeout), patience, environment);
  try {
    return Session(config);
  } catch (const ConfigError& error) {
    // It may be of this rank alone, where main takes it for the configuration's, which all of a host find alike.
    if (!speaks_for_its_host()) make_log(info.rank, info.world)->error("{}", explain_on_a_line(error));
    throw;
  }
}

}  // namespace

int run_on_ranks(const RunConfig& config, const std::function<int(Session&)>& body) {
  choose_log_format(config.log.format);
  Session session = start_session(config);
  const auto control = session.launch.control();
  if (!control) return body(session);
  try {
    const int code = body(session);
    session.world.barrier();
    return code;
  } catch (const CommError& error) {
    const auto verdict = control->failure();
    const auto code = reported_code(verdict);
    if (code) {
      session.log->warn("ended: {}", *verdict);
    } else {
      // Now, not from main: taking leave waits for a rank that is stopped as long as for its heartbeats.
      session.log->error("{}", explain_on_a_line(error));
      session.world.abort("this rank was ended by an error of its own");
    }
    return code.value_or(kPeerLost);
  } catch (const std::exception& error) {
    // Once NCCL was aborted, what LibTorch throws says nothing of the cause.
    if (const auto verdict = control->failure();
        verdict && session.launch.device().is_cuda() && dynamic_cast<const Error*>(&error) == nullptr) {
      session.log->error("{}", *verdict);
      session.log->info("what the GPU's libraries said: {}", torch_reason(error));
      return reported_code(verdict).value_or(kPeerLost);
    }
    const int code = exit_code(error);
    // Now, not from main: the launcher may end this process as soon as another has ended.
    session.log->error("{}", explain_on_a_line(error));
    // Aborting tells the others and keeps this rank out of the barrier that the rest may be in.
    session.world.abort(verdict_of(code, torch_reason(error)));
    return code;
  }
}

Session::Session(const RunConfig& config)
    : launch(launch_options(config.distributed)),
      world(launch.world()),
      log(make_log(world.rank(), world.size())) {
  send_stderr_lines_to(log);
  if (launch.device().is_cuda()) make_repeatable();
  if (world.rank() == 0 && world.backend() == "nccl" && launch.info().token.empty())
    log->warn(
        "control plane: the job has no token, so that whoever reaches port {} is believed; give all ranks "
        "the same secret in "
        "LODESTONE_JOB_TOKEN",
        launch.info().master_port);
  const int cores = cpu_count();
  const int ranks_here = std::max(1, launch.info().local_world);
  const int share = config.training.determinism.canonical() ? 1 : std::max(1, cores / ranks_here);
  at::set_num_threads(config.threads ? static_cast<int>(*config.threads) : share);
}

Objective::Setting setting_of(const RunConfig& config, const TrainingData& data) {
  const LossSideConfig& side = config.training.loss_side;
  return {!data.tuples.empty(), data.has_pairs(), side.memory.on(), side.memory.has_momentum_encoder(),
          side.mining_scope == "global"};
}

LossSideSetup loss_side_setup(const RunConfig& config, const TrainingData& data, Encoder* slow) {
  LossSideSetup setup{{}, config.encoder->output_dim(), at::kFloat, static_cast<uint64_t>(config.seed), slow};
  const Pairing pairing = config.loss->pairing();
  if (pairing == Pairing::kProxies || pairing == Pairing::kProxyAnchors)
    setup.key_c = class_keys(config, *data.dataset());
  if (data.tuples.empty())
    for (int64_t c = 0; c < data.dataset()->classes(); ++c) setup.group_c.push_back(data.dataset()->group(c));
  return setup;
}

bool deals_sides(const RunConfig& config, const TrainingData& data) {
  if (config.global_batch % 2 != 0 || !data.tuples.empty()) return false;
  if (data.texts_per_row > 0) return data.texts_per_row == 2;
  return config.sampler.name == "two_views" ||
         (config.sampler.name == "pk" && config.sampler.pk.samples_per_class % 2 == 0);
}

namespace {

TrainingData open_image_training_data(const RunConfig& config) {
  const ImageTransform transform(config.data.image, static_cast<uint64_t>(config.seed));
  TrainingData data;
  std::shared_ptr<const ImageDataset> images;
  if (!config.data.tuples.empty()) {
    TupleSet set = under_key("data.tuples", [&] {
      return read_tuples(config.data.resolved(config.data.tuples), transform.decode_options(),
                         config.data.train.index_cache, config.data.loader.bad_records);
    });
    images = set.images;
    data.left_out = std::move(set.messages);
    data.tuples = std::move(set.tuples);
  } else {
    images = under_key(key_of("data.train", config.data.train), [&] {
      return open_images(config.data.resolved(config.data.train), transform.decode_options(),
                         config.data.loader.bad_records);
    });
  }
  data.examples = std::make_shared<ImageExamples>(images, transform, config.data.loader.cache_mib << 20);
  data.sampler = make_sampler(config.sampler, data.dataset(), data.tuples, config.global_batch,
                              static_cast<uint64_t>(config.seed));
  return data;
}

// Explicit pairs and triplets are Objective::check's.
void check_sides(const RunConfig& config, const TrainingData& data) {
  if (config.loss->pairing() != Pairing::kTowers || !data.tuples.empty()) return;
  if (data.texts_per_row > 2)
    throw ConfigError(
        "loss: expected rows of two texts, which " + config.loss.name() +
        " compares with one another, got rows of " + std::to_string(data.texts_per_row) +
        "; set data.text.negatives: 0, or use loss.name: infonce, which compares a query with its negatives");
  if (!deals_sides(config, data))
    throw ConfigError(
        "loss: this loss compares two views of each sample; use sampler.name: two_views and an even "
        "global_batch");
}

}  // namespace

TrainingData open_training_data(const RunConfig& config, int world) {
  if (config.global_batch < world)
    throw ConfigError("global_batch: expected at least one row for each of the " + std::to_string(world) +
                      " ranks, got " + std::to_string(config.global_batch) +
                      "; raise global_batch or start fewer ranks");
  if (config.data.tuples.empty() && config.data.train.empty())
    throw ConfigError(
        "data.train.path: expected a folder of class folders, tar shards or a text file, got nothing; "
        "set it in the configuration or by --set data.train.path=…");
  const DeterminismConfig& determinism = config.training.determinism;
  if (determinism.canonical() &&
      (determinism.micro_shards > config.global_batch || determinism.micro_shards < world))
    throw ConfigError("micro_shards: expected at least one for each of the " + std::to_string(world) +
                      " ranks, and no more than global_batch = " + std::to_string(config.global_batch) +
                      ", got " + std::to_string(determinism.micro_shards));
  TrainingData data = config.data.kind == "texts"         ? open_text_training_data(config)
                      : config.data.kind == "image_texts" ? open_image_text_training_data(config)
                                                          : open_image_training_data(config);
  check_sides(config, data);
  config.objective().check(setting_of(config, data));
  const SamplerLearner* learner = data.sampler->learner();
  if (learner && learner->lookahead() < config.data.loader.depth + 1)
    throw ConfigError("sampler.hard_class.refresh: expected at least data.loader.depth + 1 = " +
                      std::to_string(config.data.loader.depth + 1) + ", since batches are made ahead, got " +
                      std::to_string(learner->lookahead()));
  return data;
}

InputShape input_shape(const RunConfig& config) {
  const ImageTransformConfig& image = config.data.image;
  InputShape shape;
  if (config.data.kind != "texts") shape = {image.channels, image.height, image.width};
  if (config.data.kind != "images") {
    const TokenRule rule = token_rule(config.data);
    shape.vocabulary = rule.tokenizer->vocabulary();
    shape.max_tokens = rule.max_tokens;
  }
  return shape;
}

void build_encoder(const RunConfig& config, Encoder& encoder) {
  if (!config.code.allowed && !encoder.code().empty())
    throw ConfigError(
        "encoder.file: expected a configuration that may load code, got one that may not; name the file "
        "yourself");
  encoder.pin_code(config.code.hash_of);
  encoder.build(input_shape(config), static_cast<uint64_t>(config.seed));
}

void tell_remarks(const Encoder& encoder, const Session& session, bool training) {
  if (!session.leads()) return;
  for (const auto& sentence : encoder.remarks(session.launch.device(), training))
    session.log->warn("{}", sentence);
}

}  // namespace lodestone
