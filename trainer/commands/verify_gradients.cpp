#include <cstdio>
#include <iostream>
#include <map>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "common/counted.h"
#include "common/json_text.h"
#include "common/output_file.h"
#include "common/text_format.h"
#include "trainer/commands/verb.h"
#include "trainer/coordinator/metrics/progress.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/checkpoint_config.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/ranks.h"
#include "trainer/run/run_config.h"
#include "trainer/run/verify/encoder_passes.h"
#include "trainer/run/verify/gradient_verifier.h"
#include "trainer/run/verify/oracle_rows.h"

namespace lodestone::commands {

namespace {

struct VerifyArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool allow_code = false;
  bool all = false;
  int64_t batches = 2;
  std::string json;
};

/// A compatible pair of loss and miner, and the number of rows to compare it on.
struct Named {
  std::string loss, miner;
  std::shared_ptr<const losses::Loss> made_loss;
  std::shared_ptr<const miners::Miner> made_miner;
  run::OracleRows rows;
};

bool goes_with(const negatives::Objective& objective, const negatives::Objective::Setting& setting,
               bool two_views) {
  try {
    objective.check(setting);
    if (objective.loss.pairing() != losses::Pairing::kBatch && setting.explicit_tuples) return false;
    // Two towers need the two views of each sample in consecutive rows.
    return objective.loss.pairing() != losses::Pairing::kTowers || two_views;
  } catch (const ConfigError&) {
    return false;
  }
}

/// Writes and prints each result as it is found: first to the file, since the reader
/// of the table may close the pipe.
/// Ranks     rank 0
class Table {
 public:
  Table(const coordinator::RunContext& context, int64_t objectives, std::string json_path)
      : log_(context.log), json_path_(std::move(json_path)) {
    if (!context.is_main_rank()) return;
    coordinator::ProgressStyle style = coordinator::ProgressStyle::for_stderr(context.log);
    style.unit = "objectives";
    style.step = "objective";
    progress_.emplace(std::cerr, 0, objectives, style);
  }

  void take(const Named& one, const std::vector<run::VerifiedLine>& lines) {
    if (!progress_) return;
    for (const auto& line : lines) {
      equal_ = equal_ && line.equal;
      nlohmann::json row = {
          {"loss", one.loss}, {"miner", one.miner}, {"rows", one.rows.rows}, {"what", line.what}};
      if (line.refusal.empty()) {
        row["max_relative_error"] = line.error;
        row["equal"] = line.equal;
      } else {
        row["refused"] = line.refusal;
      }
      json_.push_back(std::move(row));
    }
    if (!json_path_.empty()) write_output(json_path_, json_text(json_, 2) + "\n");
    progress_->clear();
    if (done_++ == 0)
      std::printf("%-19s %-18s %6s  %-31s %s\n", "loss", "miner", "rows", "what", "max relative error");
    for (const auto& line : lines) {
      std::printf("%-19s %-18s %6ld  %-31s ", one.loss.c_str(), one.miner.c_str(),
                  static_cast<long>(one.rows.rows), line.what.c_str());
      if (line.refusal.empty())
        std::printf("%.1e  %s\n", line.error, line.equal ? "equal" : "DIFFERS");
      else
        std::printf("not compared: %s\n", line.refusal.c_str());
    }
    std::fflush(stdout);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    progress_->update({done_, {}, static_cast<double>(done_) / seconds, {}});
  }

  int finish(int world) {
    if (!progress_) return kDone;
    progress_->finish();
    std::printf("%d rank%s against one process in float64: %s (tolerance %.0e)\n", world,
                world > 1 ? "s" : "", equal_ ? "equal" : "DIFFERENT", run::kVerifyTolerance);
    return equal_ ? kDone : kRunFailed;
  }

 private:
  Log log_;
  std::string json_path_;
  std::optional<coordinator::Progress> progress_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  nlohmann::json json_ = nlohmann::json::array();
  int64_t done_ = 0;
  bool equal_ = true;
};

/// The objectives to verify: the configured one, or every loss with every compatible miner, with the
/// configured memory and exchange.
std::vector<Named> objectives_of(const run::RunConfig& config, const run::TrainingData& data, bool all) {
  if (!all) {
    Named one{config.loss.name(), config.miner.name(), {}, {}, {}};
    one.made_loss = std::shared_ptr<const losses::Loss>(std::shared_ptr<void>(), &*config.loss);
    one.made_miner = std::shared_ptr<const miners::Miner>(std::shared_ptr<void>(), &*config.miner);
    return {one};
  }
  const negatives::Objective::Setting setting = run::setting_of(config, data);
  const bool two_views = run::deals_sides(config, data);
  std::vector<Named> found;
  for (const auto& loss : config.tables.losses())
    for (const auto& miner : config.tables.miners()) {
      Named one{loss.name, miner.name, loss.make(), miner.make(), {}};
      const negatives::Objective objective{*one.made_loss, *one.made_miner, config.normalize,
                                           config.objective().exchange};
      if (!goes_with(objective, setting, two_views)) continue;
      found.push_back(std::move(one));
    }
  return found;
}

// Prints the number of rows that each objective is compared on, and the reason if that is not all of them.
void choose_rows(std::vector<Named>& objectives, const run::RunConfig& config, const run::TrainingData& data,
                 const coordinator::RunContext& context, int64_t batches) {
  std::map<std::string, std::set<std::string>> losses;  // by the sentence to print about them
  for (Named& one : objectives) {
    const negatives::Objective objective{*one.made_loss, *one.made_miner, config.normalize,
                                         config.objective().exchange};
    const int64_t classes = data.tuples.empty() ? data.dataset()->classes() : 0;
    one.rows = run::oracle_rows(config, objective, classes, batches, context.world.size());
    if (!one.rows.reason.empty())
      losses[std::to_string(one.rows.rows) + " rows in place of " + std::to_string(config.global_batch) +
             ": " + one.rows.reason]
          .insert(one.loss);
  }
  if (!context.is_main_rank()) return;
  for (const auto& [sentence, names] : losses)
    context.log->info("{}, and is limited to {} MiB ({})", sentence, run::kOracleBytes / (1 << 20),
                      joined(names));
}

// How rows go through the encoder here, as in training.
std::string pass_of(const run::RunConfig& config) {
  const engine::PassOptions pass = config.training.pass();
  if (pass.micro_shards > 0)
    return "the batch in " + std::to_string(pass.micro_shards) + " micro-shards (determinism: canonical)";
  if (pass.micro_batch > 0)
    return "each rank's rows in micro-batches of " + counted(pass.micro_batch, "row") + " (micro_batch)";
  return "each rank's rows in one pass";
}

// The backward pass of the encoder in each of its passes, not only in the configured one.
void verify_passes(const coordinator::RunContext& context, run::RunConfig& config,
                   const std::vector<run::NamedPass>& passes, int64_t batches, Table& table) {
  const engine::TrainerConfig configured = config.training;
  for (const run::NamedPass& pass : passes) {
    std::vector<run::VerifiedLine> lines = {{.what = "encoder gradient", .refusal = pass.refusal}};
    if (pass.refusal.empty()) {
      config.training = pass.training;
      lines = run::GradientVerifier(config, context, batches).compare_encoder(config.global_batch);
    }
    for (run::VerifiedLine& line : lines) line.what += std::string(", ") + pass.name;
    table.take({"any", "any", {}, {}, {config.global_batch, ""}}, lines);
  }
  config.training = configured;
}

int verify(const coordinator::RunContext& context, run::RunConfig& config, const VerifyArguments& arguments) {
  const run::TrainingData data = run::open_training_data(config, context.world.size());
  run::build_encoder(config, *config.encoder);
  config.encoder->parameters().convert(at::kDouble, context.launch.device());
  config.training.check(context.launch.device(), *config.encoder);
  if (context.is_main_rank()) context.log->info("the encoder takes {}", pass_of(config));
  std::vector<Named> objectives = objectives_of(config, data, arguments.all);
  choose_rows(objectives, config, data, context, arguments.batches);
  std::vector<run::NamedPass> passes;
  if (arguments.all) passes = run::encoder_passes(config, context.launch.device(), context.world.size());
  Table table(context, static_cast<int64_t>(objectives.size() + passes.size()), arguments.json);
  verify_passes(context, config, passes, arguments.batches, table);
  run::GradientVerifier verifier(config, context, arguments.batches);
  for (const Named& one : objectives) {
    const negatives::Objective objective{*one.made_loss, *one.made_miner, config.normalize,
                                         config.objective().exchange};
    table.take(one, verifier.compare(objective, one.rows.rows, /*encoder=*/!arguments.all));
  }
  int code = table.finish(context.world.size());
  // mpirun reports the first rank that fails, so all ranks report the same error.
  code = static_cast<int>(context.world.gather_counts(code).front());
  return code;
}

int run_verify_gradients(const VerifyArguments& arguments, const run::Tables& tables) {
  run::RunConfig config(tables);
  run::read_named_config(arguments.config, arguments.assignments, arguments.allow_code, config);
  // Exactness is guaranteed only for float32 rows over the whole global batch.
  config.training.wire = config.training.similarity_precision = config.training.precision =
      engine::Precision::kFloat32;
  if (config.training.loss_head.mining_scope != engine::MiningScope::kGlobal)
    throw ConfigError("verify-gradients: with mining_scope '" +
                      choice_name(config.training.loss_head.mining_scope, engine::kMiningScopes) +
                      "' the loss is not that "
                      "of one process with the global batch; verify with --set mining_scope=global");
  return run::run_on_ranks(
      config, [&](coordinator::RunContext& context) { return verify(context, config, arguments); });
}

}  // namespace

void add_verify_gradients(CLI::App* verify, Action& action) {
  auto arguments = on<VerifyArguments>(verify, action, run_verify_gradients);
  add_path(verify, "config", arguments->config, "Configuration file (YAML)")->required();
  add_set(verify, arguments->assignments);
  add_allow_code(verify, arguments->allow_code);
  verify->add_flag("--all", arguments->all,
                   "Check every loss with every miner, and the encoder in one pass, in micro-batches and in "
                   "canonical micro-shards, in place of what is configured");
  verify->add_option("--batches", arguments->batches, "Number of batches to compare, from the first batch on")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  add_path(verify, "--json", arguments->json, "File for the table as JSON");
}

}  // namespace lodestone::commands
