#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/yaml.h"
#include "sampler/augment/transforms.h"
#include "sampler/loader.h"
#include "sampler/samplers/sampler_config.h"
#include "sampler/sources/image_source.h"
#include "sampler/texts/text_layout.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "trainer/coordinator/config.h"
#include "trainer/encoders/encoder.h"
#include "trainer/engine/trainer.h"
#include "trainer/losses/loss.h"
#include "trainer/run/miner_choice.h"

namespace lodestone {

struct TextConfig {
  TextLayout layout;
  TokenizerConfig tokenizer;
  int64_t bucket_window = 1;

  void visit(Fields& f);
};

struct DataConfig {
  std::string kind = "images";
  std::string root;
  ImageSourceConfig train;
  std::string tuples;
  ImageTransformConfig image;
  TextConfig text;
  LoaderConfig loader;

  void visit(Fields& f);
  /// `path` below `root`, unless it is absolute or empty.
  std::string resolved(const std::string& path) const;
  ImageSourceConfig resolved(ImageSourceConfig source) const;
};

struct EvaluateConfig {
  int64_t every = 0;
  ImageSourceConfig data;
  TextLayout text;
  std::string one_shot_runs;
  int64_t one_shot_ways = 20;
  int64_t one_shot_trials = 0;
  bool one_shot_within = true;
  bool floor = true;
  std::string summary;

  /// `kind` is data.kind.
  void visit(Fields& f, const std::string& kind);
};

struct DistributedConfig {
  std::string backend = "auto";
  std::string device = "cpu";
  double timeout = 600;
  double peer_timeout = 5;
  bool compare_calls = true;

  void visit(Fields& f);
};

/// May code be loaded that the configuration names (TorchScript)? By default not: whoever reads a configuration says so where it's
/// the user's own.
struct CodeRule {
  bool allowed = false;
  std::map<std::string, std::string>
      hash_of;  ///< SHA-256 that a file must have, by its name; others may have any
};

/// Everything a run is, but for where it runs: world size and hosts come from the launcher.
struct RunConfig {
  std::string run_dir;
  int64_t seed = 0;
  int64_t global_batch = 256;
  std::optional<int64_t> threads;
  bool normalize = true;
  DataConfig data;
  SamplerConfig sampler;
  Slot<Encoder> encoder{encoder_table(), "conv4"};
  Slot<Loss> loss{loss_table(), "triplet"};
  MinerChoice miner;
  TrainerConfig training;
  EvaluateConfig evaluate;
  CheckpointConfig checkpoint;
  MetricsConfig metrics;
  LogConfig log;
  ReportConfig report;
  DistributedConfig distributed;
  CodeRule code;

  void visit(Fields& f);
  /// Does the data, not the sampler, say which rows meet: explicit tuples, or texts of one row?
  bool rows_are_given() const;
  /// Does it give triplets, or pairs of pictures, so that nothing is to be mined?
  bool gives_tuples() const;
  Objective objective() const { return {*loss, *miner, normalize, training.exchanged()}; }
};

/// Fills `config` from YAML and `--set` assignments. `name` is what the run is called if run_dir is not set: runs/<name>.
/// Throws ConfigError. load_run_config reads a file that the user names, so code that it names is the user's choice.
void read_run_config(const ConfigNodePtr& root, const std::vector<std::string>& assignments,
                     const std::string& name, RunConfig& config);
/// The same of what a checkpoint keeps, which may be of an earlier version and hold keys that have no effect.
void read_stored_config(const std::string& yaml, const std::string& file,
                        const std::vector<std::string>& assignments, RunConfig& config);
void load_run_config(const std::string& path, const std::vector<std::string>& assignments, RunConfig& config);

}  // namespace lodestone
