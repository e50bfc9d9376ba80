#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/flat_slot.h"
#include "common/yaml.h"
#include "distributed/launch.h"
#include "sampler/augment/transforms.h"
#include "sampler/loader.h"
#include "sampler/samplers/sampler_config.h"
#include "sampler/sources/image_source.h"
#include "sampler/texts/text_layout.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "trainer/coordinator/config.h"
#include "trainer/encoders/encoder.h"
#include "trainer/engine/trainer.h"
#include "trainer/eval/headline.h"
#include "trainer/losses/loss.h"
#include "trainer/run/data_kind.h"
#include "trainer/run/miner_choice.h"
#include "trainer/run/tables.h"

namespace lodestone::run {

/// How texts are read from files, tokenized and batched.
struct TextConfig {
  sampler::TextLayout layout;
  sampler::TokenizerConfig tokenizer;
  int64_t bucket_window = 1;

  void visit(Fields& f);
};

/// The training data, and how samples are loaded and prepared.
struct DataConfig {
  FlatSlot<DataKind> kind{data_kind_table(), "images", "data.kind"};
  std::string root;
  sampler::ImageSourceConfig train;
  std::string tuples;
  sampler::ImageTransformConfig image;
  TextConfig text;
  sampler::LoaderConfig loader;

  void visit(Fields& f);
  /// `path` relative to `root`, unless it is absolute or empty.
  std::string resolved(const std::string& path) const;
  sampler::ImageSourceConfig resolved(sampler::ImageSourceConfig source) const;
};

/// Which metrics stand for an evaluation by classes.
/// kAuto   kVerification if explicit pairs or triplets of images are trained on, else kRetrieval
enum class HeadlineChoice { kAuto, kRetrieval, kVerification };
inline constexpr Choice<HeadlineChoice> kHeadlineChoices[] = {
    {"auto", HeadlineChoice::kAuto},
    {"retrieval", HeadlineChoice::kRetrieval},
    {"verification", HeadlineChoice::kVerification}};

/// The evaluation split, when it is evaluated, and the one-shot trials.
struct EvaluateConfig {
  int64_t every = 0;
  sampler::ImageSourceConfig data;
  sampler::TextLayout text;
  std::string one_shot_runs;
  int64_t one_shot_ways = 20;
  int64_t one_shot_trials = 0;
  bool one_shot_within = true;
  bool baseline = true;
  HeadlineChoice headline = HeadlineChoice::kAuto;
  std::string summary;

  /// What an evaluation by classes compares, for its headline.
  eval::Subject subject_of_classes(bool given_tuples) const {
    const bool verifies =
        headline == HeadlineChoice::kVerification || (headline == HeadlineChoice::kAuto && given_tuples);
    return verifies ? eval::Subject::kVerification : eval::Subject::kClasses;
  }

  /// `trained` has the kind of data.
  void visit(Fields& f, const DataConfig& trained);
};

/// How ranks communicate, on which device, and when a rank counts as lost.
struct DistributedConfig {
  std::string backend = "auto";
  distributed::DeviceChoice device = distributed::DeviceChoice::kCpu;
  double timeout = 600;
  double peer_timeout = 5;
  bool compare_calls = true;

  void visit(Fields& f);
};

/// Whether code that the configuration names (TorchScript) may be loaded. It may not by default;
/// read_named_config() and read_checkpoint_config() allow what the user's command allows.
struct CodeRule {
  bool allowed = false;
  /// SHA-256 that a file must have, by file name; a file not listed may have any.
  std::map<std::string, std::string> hash_of;
};

/// The complete configuration of a run, except where it runs: world size and hosts come from the launcher.
///
///     RunConfig config{Tables()};                             // names of the library, not of extensions
///     load_run_config("run.yaml", {"seed=1"}, config);
struct RunConfig {
  explicit RunConfig(const Tables& names) : tables(names) {}

  Tables tables;  ///< the losses, miners and encoders that can be chosen
  std::string run_dir;
  int64_t seed = 0;
  int64_t global_batch = 256;
  std::optional<int64_t> threads;
  bool normalize = true;
  DataConfig data;
  sampler::SamplerConfig sampler;
  Slot<encoders::Encoder> encoder{tables.encoders(), "conv4"};
  Slot<losses::Loss> loss{tables.losses(), "triplet"};
  MinerChoice miner{tables.miners()};
  engine::TrainerConfig training;
  EvaluateConfig evaluate;
  coordinator::SaveConfig checkpoint;
  coordinator::MetricsConfig metrics;
  coordinator::LogConfig log;
  coordinator::ReportConfig report;
  DistributedConfig distributed;
  CodeRule code;

  void visit(Fields& f);
  /// Whether the data, not the sampler, determines which rows share a batch: explicit tuples, or several
  /// texts per row.
  bool rows_are_given() const;
  /// Whether the data gives triplets, or pairs of images, so that nothing is mined.
  bool gives_tuples() const;
  /// Whether data of this kind and layout name their classes.
  bool names_classes(const sampler::TextLayout& layout) const;
  negatives::Objective objective() const { return {*loss, *miner, normalize, training.exchanged()}; }
};

/// What a configuration is read for.
enum class ReadFor {
  kAnyUse,
  kTraining,  ///< a run that trains: what it lacks is a fault too (check_training)
};

/// Fills `config` from YAML and `--set` assignments. `name` determines the default of run_dir: runs/<name>.
/// Throws    ConfigError, one for all faults
void read_run_config(const ConfigNodePtr& root, const std::vector<std::string>& assignments,
                     const std::string& name, RunConfig& config, ReadFor use = ReadFor::kAnyUse);
/// The same for the configuration stored in a checkpoint, which may be from an earlier version and contain
/// keys that no longer have an effect.
/// Throws    ConfigError
void read_stored_config(const std::string& yaml, const std::string& file,
                        const std::vector<std::string>& assignments, RunConfig& config);
/// The same for a file.
/// Throws    ConfigError
void load_run_config(const std::string& path, const std::vector<std::string>& assignments, RunConfig& config);

}  // namespace lodestone::run
