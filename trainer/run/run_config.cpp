#include "trainer/run/run_config.h"

#include <filesystem>

#include "common/idle_keys.h"
#include "common/paths.h"
#include "distributed/launch.h"

namespace lodestone {

void TextConfig::visit(Fields& f) {
  layout.visit(f);
  f.nested({.name = "tokenizer", .doc = "how texts become ids"}, tokenizer);
  f.field({.name = "bucket_window",
           .doc = "batches whose rows are dealt anew so that texts of like length meet; 1: none",
           .unit = "batches",
           .min = 1,
           .max = 100000},
          &bucket_window);
}

namespace {

// Declares the settings of one mapping that have no effect for the kind of data. `mapping` begins their keys.
void leave_idle(Fields& f, const DataConfig& data, const std::string& mapping) {
  const std::string because = "with data.kind: " + data.kind.name() + "; leave it out";
  for (const IdleSetting& setting : data.kind->idle_settings()) {
    const std::string key = setting.key;
    const size_t begin = key.rfind('.') + 1;
    if (key.substr(0, begin) == mapping + ".")
      without_effect(f, {setting.key + begin}, because + setting.why);
  }
}

void visit_source(Fields& f, ImageSourceConfig& source, const DataConfig& data) {
  leave_idle(f, data, "source");
  source.visit(f);
}

constexpr const char* kNoEvaluation = "without evaluate.data.path; set it, or leave this out";

}  // namespace

void DataConfig::visit(Fields& f) {
  kind.visit(f);
  f.field(
      {.name = "root",
       .doc = "folder that the relative paths of data and evaluate start from; empty is the working folder",
       .unit = kPathUnit},
      &root);
  leave_idle(f, *this, "data");
  f.field({.name = "tuples",
           .doc = "in place of train: a file of explicit pairs (a, b, 0|1) or triplets (anchor, positive, "
                  "negative), of files below its folder "
                  "or members of shards (a.tar!b.png)",
           .unit = kPathUnit},
          &tuples);
  f.group({.name = "train",
           .doc = "what to train on: class-labelled pictures, texts (.jsonl, .csv, .tsv), or pictures with "
                  "captions"},
          [&](Fields& members) {
            if (!tuples.empty())
              without_effect(members,
                             {"mixture_weights", "split", "other_columns", "class_filter", "quarter_turns",
                              "skip_incomplete"},
                             "since data.tuples names the pictures; leave it out");
            visit_source(members, train, *this);
          });
  f.nested({.name = "image", .doc = "how pictures become tensors"}, image);
  f.nested({.name = "text", .doc = "texts and image_texts: what the columns are, and how texts become ids"},
           text);
  f.group({.name = "loader", .doc = "threads that read ahead"}, [&](Fields& members) {
    leave_idle(members, *this, "data.loader");
    loader.visit(members);
  });
}

std::string DataConfig::resolved(const std::string& path) const {
  return path.empty() || root.empty() ? path : (std::filesystem::path(root) / path).string();
}

ImageSourceConfig DataConfig::resolved(ImageSourceConfig source) const {
  source.path = resolved(source.path);
  for (std::string& path : source.mixture) path = resolved(path);
  return source;
}

void EvaluateConfig::visit(Fields& f, const DataConfig& trained) {
  f.group({.name = "data", .doc = "samples of classes never trained on; no path, no evaluation"},
          [&](Fields& members) { visit_source(members, data, trained); });
  leave_idle(f, trained, "evaluate");
  if (data.empty())
    without_effect(
        f,
        {"every", "one_shot_runs", "one_shot_trials", "one_shot_ways", "one_shot_within", "floor", "summary"},
        kNoEvaluation, "data.path");
  f.nested({.name = "text", .doc = "texts and image_texts: what the columns of `data` are"}, text);
  f.field({.name = "every",
           .doc = "evaluate each time this many steps are done; 0: at the end only",
           .unit = "steps",
           .min = 0},
          &every);
  f.field({.name = "one_shot_runs",
           .doc = "folder of one-shot runs in Omniglot's layout; empty for none",
           .unit = kPathUnit},
          &one_shot_runs);
  f.field({.name = "one_shot_trials", .doc = "drawn one-shot trials: how many; 0 for none", .min = 0},
          &one_shot_trials);
  if (!data.empty() && one_shot_trials == 0)
    without_effect(f, {"one_shot_ways", "one_shot_within"},
                   "where no trials are drawn; set evaluate.one_shot_trials, or leave it out");
  f.field({.name = "one_shot_ways", .doc = "drawn one-shot trials: candidates in each", .min = 2},
          &one_shot_ways);
  f.field(
      {.name = "one_shot_within",
       .doc = "drawn one-shot trials: all candidates from one superclass (the class name's first folder)"},
      &one_shot_within);
  f.field({.name = "floor",
           .doc = "judge what needs no learning too, beside every figure: raw pixels, or character n-grams "
                  "of texts"},
          &floor);
  f.field({.name = "summary",
           .doc = "a sentence for the report: which split judges the model, and why it is honest"},
          &summary);
}

void DistributedConfig::visit(Fields& f) {
  f.field({.name = "backend", .doc = "how ranks talk", .choices = backend_names()}, &backend);
  f.choice({.name = "device", .doc = "where tensors live"}, &device,
           {{"auto", DeviceChoice::kAuto}, {"cpu", DeviceChoice::kCpu}, {"cuda", DeviceChoice::kCuda}});
  f.field({.name = "timeout",
           .doc = "a collective that takes longer is an error naming who is late",
           .unit = "seconds",
           .min = 0.001,
           .max = 1e6},
          &timeout);
  f.field({.name = "peer_timeout",
           .doc = "a rank that is silent for longer is lost",
           .unit = "seconds",
           .min = 0.1,
           .max = 1e6},
          &peer_timeout);
  f.field({.name = "compare_calls",
           .doc = "before each collective compare verb, shape and step over ranks: finds ranks gone astray"},
          &compare_calls);
}

void RunConfig::visit(Fields& f) {
  f.field(
      {.name = "run_dir",
       .doc = "the run's folder: checkpoints, metrics, report; empty: runs/<name of the configuration file>",
       .unit = kPathUnit},
      &run_dir);
  f.field({.name = "seed", .doc = "of all randomness: initial weights, batches, augmentation", .min = 0},
          &seed);
  f.field({.name = "global_batch",
           .doc = "rows of a batch over all ranks; each rank takes its share",
           .unit = "rows",
           .min = 1},
          &global_batch);
  f.field(
      {.name = "threads",
       .doc = "compute threads of each rank, which decide how sums are split; null: the host's CPUs that may "
              "be used (bindings, CPU quota), shared out among its ranks, or 1 with determinism: canonical",
       .min = 1,
       .max = 1024},
      &threads);
  f.field({.name = "normalize", .doc = "scale embeddings to unit length before the loss and the measures"},
          &normalize);
  f.nested({.name = "data", .doc = "what to train on"}, data);
  if (rows_are_given())
    without_effect(
        f, {"sampler"},
        std::string("since ") + data.kind->row_setting(data) + " says which rows meet; leave it out");
  f.nested({.name = "sampler", .doc = "what meets in a global batch"}, sampler);
  f.slot({.name = "encoder", .doc = "the network"}, encoder);
  f.slot({.name = "loss", .doc = "over the global batch"}, loss);
  f.slot({.name = "miner", .doc = "which tuples of the global batch the loss sees"}, miner);
  if (!loss->uses_proxies())
    without_effect(f, {"proxies"}, "with loss.name: " + loss.name() + ", which has none; leave it out");
  training.visit(f);
  if (training.micro_batch > global_batch)
    refuse_given(f, "micro_batch",
                 "expected at most global_batch (" + std::to_string(global_batch) +
                     "), of which it is a part, got " + std::to_string(training.micro_batch) +
                     "; lower it, or leave it out",
                 "global_batch");
  f.group({.name = "evaluate", .doc = "how the model is judged"},
          [this](Fields& members) { evaluate.visit(members, data); });
  f.nested({.name = "checkpoint", .doc = "when the run is saved"}, checkpoint);
  f.nested({.name = "metrics", .doc = "the live page and the Prometheus endpoints"}, metrics);
  f.nested({.name = "log", .doc = "what is said on stderr"}, log);
  f.field(
      {.name = "report_to",
       .doc = "files in the run folder that take the figures of each step: jsonl (metrics.jsonl, always) and "
              "tensorboard (event files in tensorboard/)"},
      &report.to);
  f.nested(
      {.name = "distributed", .doc = "how ranks work together; how many there are is the launcher's to say"},
      distributed);
}

bool RunConfig::rows_are_given() const {
  return *data.kind->row_setting(data) != '\0';
}

bool RunConfig::gives_tuples() const {
  return data.kind->gives_tuples(data);
}

bool RunConfig::names_classes(const TextLayout& layout) const {
  return data.kind->has_classes(data) && data.kind->has_class_names(layout);
}

namespace {

// Values that depend on several keys.
void settle(const std::string& name, RunConfig& config) {
  config.miner.settle(*config.loss, config.gives_tuples());
  if (config.run_dir.empty()) config.run_dir = "runs/" + name;
  while (config.run_dir.size() > 1 && config.run_dir.ends_with('/')) config.run_dir.pop_back();
  config.data.kind->check(config);
  if (!config.evaluate.one_shot_runs.empty() && config.evaluate.one_shot_trials > 0)
    throw ConfigError("evaluate: set either one_shot_runs or one_shot_trials, not both");
  if (!config.data.train.empty() && !config.data.tuples.empty())
    throw ConfigError("data: set either data.train.path or data.tuples, not both");
}

}  // namespace

void read_run_config(const ConfigNodePtr& root, const std::vector<std::string>& assignments,
                     const std::string& name, RunConfig& config) {
  for (const auto& assignment : assignments) apply_set(root, assignment);
  read_fields(root, [&](Fields& f) { config.visit(f); });
  settle(name, config);
}

void read_stored_config(const std::string& yaml, const std::string& file,
                        const std::vector<std::string>& assignments, RunConfig& config) {
  const ConfigNodePtr root = parse_yaml(yaml, file);
  for (const auto& assignment : assignments) apply_set(root, assignment);
  read_kept_fields(root, [&](Fields& f) { config.visit(f); });
  settle(std::filesystem::path(file).parent_path().filename().string(), config);
}

void load_run_config(const std::string& path, const std::vector<std::string>& assignments,
                     RunConfig& config) {
  read_run_config(read_yaml_file(path), assignments, std::filesystem::path(path).stem().string(), config);
}

}  // namespace lodestone
