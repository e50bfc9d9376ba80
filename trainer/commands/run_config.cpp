#include "trainer/commands/run_config.h"

#include <filesystem>

#include "common/paths.h"

namespace lodestone {

void TextConfig::visit(Fields& f) {
  layout.visit(f);
  f.nested({"tokenizer", "how texts become ids"}, tokenizer);
  f.field({"bucket_window", "batches whose rows are dealt anew so that texts of like length meet; 1: none",
           "batches", 1, 100000},
          &bucket_window);
}

void DataConfig::visit(Fields& f) {
  f.field({"kind",
           "images: pictures; texts; image_texts: pictures with captions, for two towers",
           "",
           {},
           {},
           {"images", "texts", "image_texts"}},
          &kind);
  f.field(
      {"root", "folder that the relative paths of data and evaluate start from; empty is the working folder",
       kPathUnit},
      &root);
  f.nested(
      {"train",
       "what to train on: class-labelled pictures, texts (.jsonl, .csv, .tsv), or pictures with captions"},
      train);
  f.field({"tuples",
           "in place of train: a file of explicit pairs (a, b, 0|1) or triplets (anchor, positive, "
           "negative), of files below its folder "
           "or members of shards (a.tar!b.png)",
           kPathUnit},
          &tuples);
  f.nested({"image", "how pictures become tensors"}, image);
  f.nested({"text", "texts and image_texts: what the columns are, and how texts become ids"}, text);
  f.nested({"loader", "threads that read ahead"}, loader);
}

std::string DataConfig::resolved(const std::string& path) const {
  return path.empty() || root.empty() ? path : (std::filesystem::path(root) / path).string();
}

ImageSourceConfig DataConfig::resolved(ImageSourceConfig source) const {
  source.path = resolved(source.path);
  for (std::string& path : source.mixture) path = resolved(path);
  return source;
}

void EvaluateConfig::visit(Fields& f) {
  f.field({"every", "evaluate each time this many steps are done; 0: at the end only", "steps", 0}, &every);
  f.nested({"data", "samples of classes never trained on; no path, no evaluation"}, data);
  f.nested({"text", "texts and image_texts: what the columns of `data` are"}, text);
  f.field({"one_shot_runs", "folder of one-shot runs in Omniglot's layout; empty for none", kPathUnit},
          &one_shot_runs);
  f.field({"one_shot_ways", "drawn one-shot trials: candidates in each", "", 2}, &one_shot_ways);
  f.field({"one_shot_trials", "drawn one-shot trials: how many; 0 for none", "", 0}, &one_shot_trials);
  f.field({"one_shot_within",
           "drawn one-shot trials: all candidates from one superclass (the class name's first folder)"},
          &one_shot_within);
  f.field(
      {"floor",
       "judge what needs no learning too, beside every figure: raw pixels, or character n-grams of texts"},
      &floor);
  f.field({"summary", "a sentence for the report: which split judges the model, and why it is honest"},
          &summary);
}

void DistributedConfig::visit(Fields& f) {
  f.field({"backend", "how ranks talk", "", {}, {}, {"auto", "local", "mpi", "nccl"}}, &backend);
  f.field({"device", "where tensors live", "", {}, {}, {"auto", "cpu", "cuda"}}, &device);
  f.field({"timeout", "a collective that takes longer is an error naming who is late", "seconds", 0.001, 1e6},
          &timeout);
  f.field({"peer_timeout", "a rank that is silent for longer is lost", "seconds", 0.1, 1e6}, &peer_timeout);
  f.field({"compare_calls",
           "before each collective compare verb, shape and step over ranks: finds ranks gone astray"},
          &compare_calls);
}

void RunConfig::visit(Fields& f) {
  f.field({"run_dir",
           "the run's folder: checkpoints, metrics, report; empty: runs/<name of the configuration file>",
           kPathUnit},
          &run_dir);
  f.field({"seed", "of all randomness: initial weights, batches, augmentation", "", 0}, &seed);
  f.field({"global_batch", "rows of a batch over all ranks; each rank takes its share", "rows", 1},
          &global_batch);
  f.field({"threads",
           "compute threads of each rank, which decide how sums are split; null: the host's cores shared out "
           "among its ranks, or 1 with "
           "determinism: canonical",
           "", 1, 1024},
          &threads);
  f.field({"normalize", "scale embeddings to unit length before the loss and the measures"}, &normalize);
  f.nested({"data", "what to train on"}, data);
  f.nested({"sampler", "what meets in a global batch"}, sampler);
  f.slot({"encoder", "the network"}, encoder);
  f.slot({"loss", "over the global batch"}, loss);
  f.slot({"miner", "which tuples of the global batch the loss sees"}, miner);
  training.visit(f);
  f.nested({"evaluate", "how the model is judged"}, evaluate);
  f.nested({"checkpoint", "when the run is saved"}, checkpoint);
  f.nested({"metrics", "the live page and the Prometheus endpoints"}, metrics);
  f.field({"report_to",
           "files in the run folder that take the figures of each step: jsonl (metrics.jsonl, always) and "
           "tensorboard (event files in tensorboard/)"},
          &report.to);
  f.nested({"distributed", "how ranks work together; how many there are is the launcher's to say"},
           distributed);
}

namespace {

// Settings that the kind of data has no use for.
void check_kind(const RunConfig& config) {
  const bool images = config.data.kind == "images", texts = config.data.kind == "texts";
  if (images && !config.data.text.tokenizer.path.empty())
    throw ConfigError(
        "data.text: pictures have no text; set data.kind to texts or image_texts, or leave it out");
  if (!images && !config.data.tuples.empty())
    throw ConfigError(
        "data.tuples: a list of pictures; texts name their pairs and triplets by data.text.format");
  if (texts && (config.data.train.quarter_turns || config.evaluate.data.quarter_turns))
    throw ConfigError("quarter_turns: only pictures can be turned");
  for (const ImageSourceConfig* source : {&config.data.train, &config.evaluate.data})
    if (!images && (!source->mixture.empty() || !source->split.empty()))
      throw ConfigError(
          "mixture, split: they are of labelled pictures; name files by `path`, where globs and braces name "
          "several");
  if (!images && !config.evaluate.one_shot_runs.empty())
    throw ConfigError("evaluate.one_shot_runs: runs are of pictures; leave it out for " + config.data.kind);
  if (config.data.kind == "image_texts" && config.evaluate.one_shot_trials > 0)
    throw ConfigError("evaluate.one_shot_trials: pictures with captions have no classes; leave it out");
  if (config.data.kind == "image_texts" && config.sampler.name != "two_views")
    throw ConfigError(
        "sampler.name: expected two_views for image_texts, whose views are a picture and a caption, got " +
        config.sampler.name);
}

}  // namespace

void read_run_config(const ConfigNodePtr& root, const std::vector<std::string>& assignments,
                     const std::string& name, RunConfig& config) {
  for (const auto& assignment : assignments) apply_set(root, assignment);
  read_fields(root, [&](Fields& f) { config.visit(f); });
  if (config.run_dir.empty()) config.run_dir = "runs/" + name;
  while (config.run_dir.size() > 1 && config.run_dir.ends_with('/')) config.run_dir.pop_back();
  check_kind(config);
  if (!config.data.tuples.empty() && config.sampler.name != "pk")
    throw ConfigError("sampler.name: data.tuples decides what meets in a batch; leave sampler out");
  if (!config.evaluate.one_shot_runs.empty() && config.evaluate.one_shot_trials > 0)
    throw ConfigError("evaluate: set either one_shot_runs or one_shot_trials, not both");
  if (!config.evaluate.one_shot_runs.empty() && config.evaluate.data.empty())
    throw ConfigError("evaluate.one_shot_runs: expected evaluate.data.path beside it, got nothing");
  if (!config.data.train.empty() && !config.data.tuples.empty())
    throw ConfigError("data: set either data.train.path or data.tuples, not both");
}

void load_run_config(const std::string& path, const std::vector<std::string>& assignments,
                     RunConfig& config) {
  read_run_config(read_yaml_file(path), assignments, std::filesystem::path(path).stem().string(), config);
  config.code.allowed = true;
}

}  // namespace lodestone
