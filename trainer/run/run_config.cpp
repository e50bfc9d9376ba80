#include "trainer/run/run_config.h"

#include <filesystem>

#include "common/idle_keys.h"
#include "common/paths.h"

namespace lodestone {

void TextConfig::visit(Fields& f) {
  layout.visit(f);
  f.nested({"tokenizer", "how texts become ids"}, tokenizer);
  f.field({"bucket_window", "batches whose rows are dealt anew so that texts of like length meet; 1: none",
           "batches", 1, 100000},
          &bucket_window);
}

namespace {

// Texts are read from the files that `path` names; settings of folders, lists and shards of images do not
// apply to them.
void visit_source(Fields& f, ImageSourceConfig& source, const std::string& kind) {
  const std::string because = "with data.kind: " + kind + "; leave it out";
  if (kind != "images")
    without_effect(
        f, {"mixture", "mixture_weights", "split", "quarter_turns"},
        because + ": it is of labelled pictures, and `path` may name several files by globs and braces");
  if (kind == "texts") without_effect(f, {"skip_incomplete", "index_cache"}, because + ": it is of shards");
  if (kind == "image_texts")
    without_effect(f, {"class_filter"}, because + ": captioned pictures have no classes");
  source.visit(f);
}

constexpr const char* kNoEvaluation = "without evaluate.data.path; set it, or leave this out";

}  // namespace

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
  const std::string because = "with data.kind: " + kind + "; leave it out";
  if (kind != "images")
    without_effect(f, {"tuples"}, because + ": data.text.format names pairs and triplets of texts");
  f.field({"tuples",
           "in place of train: a file of explicit pairs (a, b, 0|1) or triplets (anchor, positive, "
           "negative), of files below its folder "
           "or members of shards (a.tar!b.png)",
           kPathUnit},
          &tuples);
  f.group(
      {"train",
       "what to train on: class-labelled pictures, texts (.jsonl, .csv, .tsv), or pictures with captions"},
      [&](Fields& members) {
        if (!tuples.empty())
          without_effect(members,
                         {"mixture_weights", "split", "class_filter", "quarter_turns", "skip_incomplete"},
                         "since data.tuples names the pictures; leave it out");
        visit_source(members, train, kind);
      });
  if (kind == "texts") without_effect(f, {"image"}, because);
  if (kind == "images") without_effect(f, {"text"}, because + ", or set data.kind: texts or image_texts");
  f.nested({"image", "how pictures become tensors"}, image);
  f.nested({"text", "texts and image_texts: what the columns are, and how texts become ids"}, text);
  f.group({"loader", "threads that read ahead"}, [&](Fields& members) {
    if (kind == "texts") without_effect(members, {"cache_mib"}, because + ": it keeps decoded pictures");
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

void EvaluateConfig::visit(Fields& f, const std::string& kind) {
  const std::string because = "with data.kind: " + kind + "; leave it out";
  f.group({"data", "samples of classes never trained on; no path, no evaluation"},
          [&](Fields& members) { visit_source(members, data, kind); });
  if (kind == "images") without_effect(f, {"text"}, because);
  if (kind != "images") without_effect(f, {"one_shot_runs"}, because + ": the runs are of pictures");
  if (kind == "image_texts")
    without_effect(f, {"one_shot_trials"}, because + ": captioned pictures have no classes");
  if (data.empty())
    without_effect(
        f,
        {"every", "one_shot_runs", "one_shot_trials", "one_shot_ways", "one_shot_within", "floor", "summary"},
        kNoEvaluation, "data.path");
  f.nested({"text", "texts and image_texts: what the columns of `data` are"}, text);
  f.field({"every", "evaluate each time this many steps are done; 0: at the end only", "steps", 0}, &every);
  f.field({"one_shot_runs", "folder of one-shot runs in Omniglot's layout; empty for none", kPathUnit},
          &one_shot_runs);
  f.field({"one_shot_trials", "drawn one-shot trials: how many; 0 for none", "", 0}, &one_shot_trials);
  if (!data.empty() && one_shot_trials == 0)
    without_effect(f, {"one_shot_ways", "one_shot_within"},
                   "where no trials are drawn; set evaluate.one_shot_trials, or leave it out");
  f.field({"one_shot_ways", "drawn one-shot trials: candidates in each", "", 2}, &one_shot_ways);
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
           "compute threads of each rank, which decide how sums are split; null: the host's CPUs that may "
           "be used (bindings, CPU quota), shared out among its ranks, or 1 with determinism: canonical",
           "", 1, 1024},
          &threads);
  f.field({"normalize", "scale embeddings to unit length before the loss and the measures"}, &normalize);
  f.nested({"data", "what to train on"}, data);
  if (rows_are_given())
    without_effect(f, {"sampler"},
                   std::string("since ") + (data.tuples.empty() ? "data.text.format" : "data.tuples") +
                       " says which rows meet; leave it out");
  f.nested({"sampler", "what meets in a global batch"}, sampler);
  f.slot({"encoder", "the network"}, encoder);
  f.slot({"loss", "over the global batch"}, loss);
  f.slot({"miner", "which tuples of the global batch the loss sees"}, miner);
  if (!loss->uses_proxies())
    without_effect(f, {"proxies"}, "with loss.name: " + loss.name() + ", which has none; leave it out");
  training.visit(f);
  if (training.micro_batch > global_batch)
    refuse_given(f, "micro_batch",
                 "expected at most global_batch (" + std::to_string(global_batch) +
                     "), of which it is a part, got " + std::to_string(training.micro_batch) +
                     "; lower it, or leave it out",
                 "global_batch");
  f.group({"evaluate", "how the model is judged"},
          [this](Fields& members) { evaluate.visit(members, data.kind); });
  f.nested({"checkpoint", "when the run is saved"}, checkpoint);
  f.nested({"metrics", "the live page and the Prometheus endpoints"}, metrics);
  f.nested({"log", "what is said on stderr"}, log);
  f.field({"report_to",
           "files in the run folder that take the figures of each step: jsonl (metrics.jsonl, always) and "
           "tensorboard (event files in tensorboard/)"},
          &report.to);
  f.nested({"distributed", "how ranks work together; how many there are is the launcher's to say"},
           distributed);
}

bool RunConfig::rows_are_given() const {
  if (data.kind == "images") return !data.tuples.empty();
  const std::string& format = data.text.layout.format;
  return data.kind == "texts" && (format == "pairs" || format == "triplets" || format == "queries");
}

bool RunConfig::gives_tuples() const {
  return data.kind == "images" ? !data.tuples.empty()
                               : data.kind == "texts" && data.text.layout.format == "triplets";
}

namespace {

// Values that depend on several keys.
void settle(const std::string& name, RunConfig& config) {
  config.miner.settle(*config.loss, config.gives_tuples());
  if (config.run_dir.empty()) config.run_dir = "runs/" + name;
  while (config.run_dir.size() > 1 && config.run_dir.ends_with('/')) config.run_dir.pop_back();
  if (config.data.kind == "image_texts" && config.sampler.name != "two_views")
    throw ConfigError(
        "sampler.name: expected two_views for image_texts, whose views are a picture and a caption, got " +
        config.sampler.name);
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
