#include "trainer/run/run_config.h"

#include <filesystem>

#include "common/keys_without_effect.h"
#include "common/paths.h"
#include "distributed/launch.h"
#include "sampler/sources/image_format.h"

namespace lodestone::run {

void TextConfig::visit(Fields& f) {
  layout.visit(f);
  f.nested({.name = "tokenizer", .doc = "tokenizer, which converts texts to ids"}, tokenizer);
  f.field(
      {.name = "bucket_window",
       .doc =
           "number of batches whose rows are redistributed so that texts of similar length share a batch; 1: "
           "none",
       .unit = "batches",
       .min = 1,
       .max = 100000},
      &bucket_window);
}

namespace {

// Declares the settings of one mapping that have no effect for the kind of data. `mapping` begins their keys.
void declare_without_effect(Fields& f, const DataConfig& data, const std::string& mapping) {
  const std::string because = "with data.kind: " + data.kind.name() + "; leave it out";
  for (const SettingWithoutEffect& setting : data.kind->without_effect()) {
    const std::string key = setting.key;
    const size_t begin = key.rfind('.') + 1;
    if (key.substr(0, begin) == mapping + ".")
      without_effect(f, {setting.key + begin}, because + setting.why);
  }
}

void visit_source(Fields& f, sampler::ImageSourceConfig& source, const DataConfig& data) {
  declare_without_effect(f, data, "source");
  source.visit(f);
}

void refuse_part_of_nothing(Fields& f, const sampler::ImageSourceConfig& source) {
  if (source.empty() && !source.part.is_whole())
    refuse_given(f, "part", "has no effect without a path; set it, or leave this out", "path");
}

constexpr const char* kNoEvaluation = "without evaluate.data.path; set it, or leave this out";

}  // namespace

void DataConfig::visit(Fields& f) {
  kind.visit(f);
  f.field({.name = "root",
           .doc = "folder that relative paths of data and evaluate start from; empty: the working folder",
           .unit = kPathUnit},
          &root);
  declare_without_effect(f, *this, "data");
  f.field({.name = "tuples",
           .doc = "in place of train: a file of explicit pairs (a, b, 0|1) or triplets (anchor, positive, "
                  "negative), of files below its folder "
                  "or members of shards (a.tar!b.png)",
           .unit = kPathUnit},
          &tuples);
  f.group(
      {.name = "train",
       .doc = "training data: class-labelled images, texts (.jsonl, .csv, .tsv), or images with captions"},
      [&](Fields& members) {
        if (!tuples.empty())
          without_effect(members,
                         {"mixture_weights", "split", "other_columns", "class_filter", "quarter_turns",
                          "skip_incomplete"},
                         "since data.tuples names the images; leave it out");
        visit_source(members, train, *this);
        if (tuples.empty()) refuse_part_of_nothing(members, train);
        sampler::refuse_list_keys(members, train);
      });
  f.nested({.name = "image", .doc = "conversion of images to tensors"}, image);
  f.nested({.name = "text", .doc = "texts and image_texts: columns of the data, and the tokenizer"}, text);
  f.group({.name = "loader", .doc = "threads that prepare batches in advance"}, [&](Fields& members) {
    declare_without_effect(members, *this, "data.loader");
    loader.visit(members);
  });
}

std::string DataConfig::resolved(const std::string& path) const {
  return path.empty() || root.empty() ? path : (std::filesystem::path(root) / path).string();
}

sampler::ImageSourceConfig DataConfig::resolved(sampler::ImageSourceConfig source) const {
  source.path = resolved(source.path);
  for (std::string& path : source.mixture) path = resolved(path);
  return source;
}

void EvaluateConfig::visit(Fields& f, const DataConfig& trained) {
  f.group({.name = "data",
           .doc = "evaluation data: samples of classes that are not trained on; without a path there is no "
                  "evaluation"},
          [&](Fields& members) {
            visit_source(members, data, trained);
            refuse_part_of_nothing(members, data);
          });
  declare_without_effect(f, trained, "evaluate");
  if (data.empty())
    without_effect(f,
                   {"every", "one_shot_runs", "one_shot_trials", "one_shot_ways", "one_shot_within", "floor",
                    "headline", "summary"},
                   kNoEvaluation, "data.path");
  f.nested({.name = "text", .doc = "texts and image_texts: columns of `data`"}, text);
  f.field({.name = "every",
           .doc = "number of steps between evaluations; 0: at the end only",
           .unit = "steps",
           .min = 0},
          &every);
  f.field({.name = "one_shot_runs",
           .doc = "folder of one-shot runs in Omniglot's layout; empty: none",
           .unit = kPathUnit},
          &one_shot_runs);
  f.field({.name = "one_shot_trials", .doc = "number of drawn one-shot trials; 0: none", .min = 0},
          &one_shot_trials);
  if (!data.empty() && one_shot_trials == 0)
    without_effect(f, {"one_shot_ways", "one_shot_within"},
                   "where no trials are drawn; set evaluate.one_shot_trials, or leave it out");
  f.field({.name = "one_shot_ways", .doc = "number of candidates of each drawn one-shot trial", .min = 2},
          &one_shot_ways);
  f.field(
      {.name = "one_shot_within",
       .doc =
           "whether all candidates of a drawn one-shot trial are from one superclass (the class name's first "
           "folder)"},
      &one_shot_within);
  f.field(
      {.name = "floor",
       .doc =
           "whether a baseline without learning is evaluated too: raw pixels, or character n-grams of texts"},
      &baseline);
  f.choice(
      {.name = "headline",
       .doc = "which metrics of classes come first in the report and on the console: those of retrieval, or "
              "those of verification (faces, signatures); auto: verification if explicit pairs or triplets "
              "of images are trained on"},
      &headline, kHeadlineChoices);
  f.field(
      {.name = "summary",
       .doc = "sentence for the report: on which split the model is evaluated, and why the result is fair"},
      &summary);
}

void DistributedConfig::visit(Fields& f) {
  f.field({.name = "backend", .doc = "transport between the ranks", .choices = distributed::backend_names()},
          &backend);
  f.choice({.name = "device", .doc = "device that holds the tensors"}, &device,
           {{"auto", distributed::DeviceChoice::kAuto},
            {"cpu", distributed::DeviceChoice::kCpu},
            {"cuda", distributed::DeviceChoice::kCuda}});
  f.field({.name = "timeout",
           .doc = "time limit of a collective; a longer one is an error that names the late ranks",
           .unit = "seconds",
           .min = 0.001,
           .max = 1e6},
          &timeout);
  f.field({.name = "peer_timeout",
           .doc = "longest time without a heartbeat; a rank that is silent for longer is lost",
           .unit = "seconds",
           .min = 0.1,
           .max = 1e6},
          &peer_timeout);
  f.field(
      {.name = "compare_calls",
       .doc =
           "whether ranks compare verb, shape and step before each collective, to find ranks that diverge"},
      &compare_calls);
}

void RunConfig::visit(Fields& f) {
  f.field(
      {.name = "run_dir",
       .doc = "folder of the run: checkpoints, metrics, report; empty: runs/<name of the configuration file>",
       .unit = kPathUnit},
      &run_dir);
  f.field({.name = "seed", .doc = "seed of all randomness: initial weights, batches, augmentation", .min = 0},
          &seed);
  f.field({.name = "global_batch",
           .doc = "number of rows of a batch over all ranks; each rank takes its share",
           .unit = "rows",
           .min = 1},
          &global_batch);
  f.field(
      {.name = "threads",
       .doc = "number of compute threads of each rank, which determines how sums are split; null: the CPUs "
              "available on the host (bindings, CPU quota), divided among its ranks, or 1 with determinism: "
              "canonical",
       .min = 1,
       .max = 1024},
      &threads);
  f.field({.name = "normalize",
           .doc = "whether embeddings are scaled to unit length before the loss and the metrics"},
          &normalize);
  f.nested({.name = "data", .doc = "training data: where it is, and how samples are read and prepared"},
           data);
  if (rows_are_given())
    without_effect(f, {"sampler"},
                   std::string("since ") + data.kind->row_setting(data) +
                       " determines which rows form a batch; leave it out");
  f.nested({.name = "sampler", .doc = "choice of the samples of a global batch"}, sampler);
  f.slot({.name = "encoder", .doc = "network that computes the embeddings"}, encoder);
  f.slot({.name = "loss", .doc = "loss over the global batch"}, loss);
  f.slot({.name = "miner", .doc = "choice of the tuples of the global batch that the loss uses"}, miner);
  if (!loss->uses_proxies())
    without_effect(f, {"proxies"}, "with loss.name: " + loss.name() + ", which has none; leave it out");
  training.visit(f);
  if (training.micro_batch > global_batch)
    refuse_given(f, "micro_batch",
                 "expected at most global_batch (" + std::to_string(global_batch) +
                     "), of which it is a part, got " + std::to_string(training.micro_batch) +
                     "; lower it, or leave it out",
                 "global_batch");
  f.group({.name = "evaluate", .doc = "evaluation of the model"},
          [this](Fields& members) { evaluate.visit(members, data); });
  f.nested({.name = "checkpoint", .doc = "checkpoints: when the run is saved, and which ones are kept"},
           checkpoint);
  f.nested({.name = "metrics", .doc = "the live page and the Prometheus endpoints"}, metrics);
  f.nested({.name = "log", .doc = "log on stderr"}, log);
  report.visit(f);
  f.nested({.name = "distributed", .doc = "communication of the ranks, whose number the launcher determines"},
           distributed);
}

bool RunConfig::rows_are_given() const {
  return *data.kind->row_setting(data) != '\0';
}

bool RunConfig::gives_tuples() const {
  return data.kind->gives_tuples(data);
}

bool RunConfig::names_classes(const sampler::TextLayout& layout) const {
  return data.kind->has_classes(data) && data.kind->has_class_names(layout);
}

}  // namespace lodestone::run
