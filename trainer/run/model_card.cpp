#include "trainer/run/model_card.h"

#include <sstream>

#include "common/error.h"
#include "common/files.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/paths.h"
#include "common/text_format.h"
#include "trainer/coordinator/build_info.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/metrics/metrics_log.h"
#include "trainer/eval/metrics.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/changed_settings.h"
#include "trainer/search/calibration.h"

namespace lodestone::run {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

json metrics_of(const TrainedModel& model, const fs::path& file) {
  if (!file.empty()) {
    json metrics = read_json(read_file(file)).value_or(nullptr);
    const bool fits =
        metrics.is_object() && (!metrics.contains("step") || metrics["step"].is_number_integer());
    if (!fits)
      throw DataError(file.string() + ": expected the JSON object that `lodestone evaluate --json` writes");
    return metrics;
  }
  json last;
  const auto run = model.run();
  if (run && is_file(run->metrics()))
    coordinator::read_metrics(run->metrics(), [&](json&& line) {
      if (line.value("kind", "") == "eval" && line.value("step", int64_t{0}) <= model.step())
        last = std::move(line);
    });
  return last;
}

std::string cell(const json& metrics, const eval::Metric& metric) {
  const auto found = metrics.find(metric.name);
  return found != metrics.end() && found->is_number() ? eval::format_metric(metric, found->get<double>())
                                                      : "";
}

std::string metrics_section(const json& metrics) {
  if (!metrics.is_object())
    return "Not evaluated: set the evaluation data as `evaluate.data`, or give a file with `--metrics`.\n";
  std::ostringstream out;
  out << "At step " << metrics.value("step", int64_t{0}) << ".\n\n";
  const json baseline = metrics.value("floor", json::object());
  out << "| metric | model |" << (baseline.empty() ? "" : " without learning |") << "\n|---|---:|"
      << (baseline.empty() ? "" : "---:|") << "\n";
  for (const eval::Metric& metric : eval::metric_table()) {
    const std::string model = cell(metrics, metric);
    if (model.empty()) continue;
    out << "| `" << metric.name << "` " << metric.title << " | " << model << " |";
    if (!baseline.empty()) out << " " << cell(baseline, metric) << " |";
    out << "\n";
  }
  return out.str();
}

// Lines in a form that Markdown shows unchanged, whatever they contain.
std::string code_block(const std::string& text) {
  std::istringstream lines(text);
  std::string out, line;
  while (std::getline(lines, line)) out += "    " + line + "\n";
  return out;
}

std::string input_section(const RunConfig& config, const encoders::InputShape& input) {
  std::ostringstream out;
  if (input.channels > 0)
    out << "- images: float32 `[n, " << input.channels << ", " << input.height << ", " << input.width
        << "]`, values in 0..1, less `data.image.mean`, divided by `data.image.std`\n";
  if (input.vocabulary > 0)
    out << "- texts: int64 token ids `[n, T]` below " << input.vocabulary << ", T at most "
        << input.max_tokens << ", and a mask `[n, T]`, true where there is a token\n";
  out << "- embeddings: float32 `[n, " << config.encoder->output_dim() << "]`"
      << (config.normalize ? "; scale them to unit length: they are compared by cosine\n"
                           : "; compared by squared distance\n");
  return out.str();
}

std::string loading(const CardFacts& facts, const encoders::InputShape& input) {
  if (!facts.python.empty()) return code_block(facts.python);
  const std::string open = facts.format == ExportFormat::kTorchscript
                               ? "import torch\n\nmodel = torch.jit.load(\"" + facts.file + "\")\n"
                               : "from safetensors.torch import load_file\n\nweights = load_file(\"" +
                                     facts.file + "\")  # by the names of the network's state_dict()\n";
  if (facts.format != ExportFormat::kTorchscript) return code_block(open);
  const bool both = input.channels > 0 && input.vocabulary > 0;
  const std::string images = both ? "z = model.encode_image(images)\n" : "z = model(images)\n";
  const std::string texts = both ? "z = model.encode_text(tokens, mask)\n" : "z = model(tokens, mask)\n";
  return code_block(open + (input.channels > 0 ? images : "") + (input.vocabulary > 0 ? texts : ""));
}

std::string threshold_section(const TrainedModel& model) {
  const auto found = search::read_calibration(model.calibration_file());
  if (!found) return "";
  return fill(
      "\n## Threshold\n\n\"The same\" from a score of {}: it accepts {} % of different pairs and {} % of "
      "same "
      "ones (step {}).\n",
      {compact(found->threshold), compact(100 * found->measured_far), compact(100 * found->tar),
       std::to_string(found->step)});
}

/// Passes fields on without a word about those that have no effect, so that a writer writes them too.
class WithIdle : public Fields {
 public:
  explicit WithIdle(Fields& inner) : inner_(inner) {}

  void field(const FieldInfo& info, FieldValue value) override { inner_.field(info, value); }
  void group(const FieldInfo& info, const std::function<void(Fields&)>& visit_members) override {
    inner_.group(info, [&](Fields& members) {
      WithIdle all(members);
      visit_members(all);
    });
  }
  void slot(const FieldInfo& info, SlotBase& slot) override { inner_.slot(info, slot); }

 private:
  Fields& inner_;
};

// What has an effect depends on other keys, so the defaults are written in full to compare with.
std::string yaml_of(RunConfig& config, bool with_idle = false) {
  return write_yaml([&](Fields& writer) {
    WithIdle all(writer);
    Fields& f = with_idle ? all : writer;
    f.field({.name = "seed"}, &config.seed);
    f.field({.name = "global_batch"}, &config.global_batch);
    f.field({.name = "normalize"}, &config.normalize);
    f.nested({.name = "data"}, config.data);
    f.nested({.name = "sampler"}, config.sampler);
    f.slot({.name = "encoder"}, config.encoder);
    f.slot({.name = "loss"}, config.loss);
    f.slot({.name = "miner"}, config.miner);
    config.training.visit(f);
    f.group({.name = "evaluate"}, [&](Fields& members) { config.evaluate.visit(members, config.data); });
  });
}

// Settings that differ from their defaults; `lodestone config` prints the others.
std::string what_made_it(RunConfig& config) {
  RunConfig defaults(config.tables);
  defaults.encoder.choose(config.encoder.name());
  defaults.loss.choose(config.loss.name());
  defaults.miner.choose(config.miner.name());
  return changed_settings(yaml_of(config), yaml_of(defaults, /*with_idle=*/true));
}

std::string origin(const TrainedModel& model) {
  const RunConfig& config = model.config();
  if (!model.run())
    return "with the weights that the configuration names, exported by Lodestone " +
           coordinator::lodestone_version();
  return "trained by Lodestone " + coordinator::lodestone_version() + " for " + std::to_string(model.step()) +
         " steps of " + std::to_string(config.global_batch) + " rows with the loss `" + config.loss.name() +
         "` over tuples of the miner `" + config.miner.name() + "`";
}

std::string or_unstated(const std::string& license, const char* option) {
  return license.empty() ? std::string("not stated (`") + option + "`)" : license;
}

}  // namespace

std::string model_card(TrainedModel& model, const CardFacts& facts) {
  RunConfig& config = model.config();
  const encoders::InputShape input = input_shape(config);
  std::ostringstream out;
  out << "---\nlibrary_name: lodestone\n";
  if (!facts.license.empty()) out << "license: " << json_text(facts.license) << "\n";
  out << "tags: [embeddings, metric-learning, contrastive-learning]\n---\n\n";
  out << "# " << model.name() << "\n\n"
      << "An encoder `" << config.encoder.name() << "` of " << config.encoder->parameters().count()
      << " parameters, " << origin(model) << ".\n\n";
  out << "## Use\n\n" << input_section(config, input) << "\n" << loading(facts, input) << "\n";
  out << "## Metrics\n\n";
  if (!config.evaluate.summary.empty()) out << config.evaluate.summary << "\n\n";
  out << metrics_section(metrics_of(model, facts.metrics));
  out << threshold_section(model);
  out << "\n## Data and training\n\nWhat was set, as `lodestone train` takes it; "
         "all else is as `lodestone config --reference` says"
      << (model.run() ? ", and whole in the checkpoint's `config.yaml`" : "") << ":\n\n"
      << code_block(what_made_it(config));
  out << "\n## Licence\n\n- model: " << or_unstated(facts.license, "--license")
      << "\n- data: " << or_unstated(facts.data_license, "--data-license") << "\n";
  return out.str();
}

}  // namespace lodestone::run
