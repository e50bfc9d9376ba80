#include <array>
#include <filesystem>

#include "common/output_file.h"
#include "common/safetensors.h"
#include "trainer/commands/choice_option.h"
#include "trainer/commands/output_option.h"
#include "trainer/commands/shared_options.h"
#include "trainer/coordinator/build_info.h"
#include "trainer/encoders/torchscript_export.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/hub/model_folder.h"
#include "trainer/run/model_card.h"
#include "trainer/run/own_weights.h"
#include "trainer/run/trained_model.h"

namespace lodestone::commands {

namespace {

struct ExportArguments {
  std::string model;
  std::vector<std::string> assignments;
  bool allow_code = false;
  run::ExportFormat format = run::ExportFormat::kSafetensors;
  std::string output;
  std::string card;  // empty: the output name with the ending .md
  std::string metrics;
  std::string license;
  std::string data_license;
  // Of --format huggingface alone.
  std::string from;
  run::FolderOptions folder;
  double shard_gib = 5;
  std::string folder_option;  // one of these that was given; empty: none
};

run::CardFacts card_facts(const ExportArguments& arguments) {
  return {.file = std::filesystem::path(arguments.output).filename().string(),
          .format = arguments.format,
          .license = arguments.license,
          .data_license = arguments.data_license,
          .metrics = arguments.metrics};
}

// The metadata that a reader of the file needs besides the weights.
std::map<std::string, std::string> description(run::TrainedModel& model) {
  run::RunConfig& config = model.config();
  return {{"format", "pt"},
          {"encoder", write_yaml([&](Fields& f) { f.slot({.name = "encoder"}, config.encoder); })},
          {"data", write_yaml([&](Fields& f) { config.data.visit(f); })},
          {"normalize", config.normalize ? "true" : "false"},
          {"step", std::to_string(model.step())},
          {"lodestone", coordinator::lodestone_version()}};
}

// A folder that other libraries load, with the model card as its README.md.
int export_folder(const ExportArguments& arguments, run::TrainedModel& model, Logger& log) {
  run::FolderOptions options = arguments.folder;
  options.source = arguments.from;
  options.shard_bytes = static_cast<uint64_t>(arguments.shard_gib * (1 << 30));
  const run::ModelFolder made = run::write_model_folder(model, options, arguments.output);
  run::CardFacts facts = card_facts(arguments);
  facts.python = made.python;
  const std::string card = arguments.card.empty()
                               ? (std::filesystem::path(arguments.output) / "README.md").string()
                               : arguments.card;
  write_output(card, run::model_card(model, facts));
  if (!made.left.empty()) log.info("{}", made.left);
  log.info("{}: {} of step {}, weights in {}; model card: {}", arguments.output,
           model.config().encoder.name(), model.step(), choice_name(options.type, run::kWeightTypes), card);
  return kDone;
}

int run_export(const ExportArguments& arguments, const run::Tables& tables) {
  if (arguments.format != run::ExportFormat::kHuggingFace && !arguments.folder_option.empty())
    throw ConfigError(arguments.folder_option + ": expected --format huggingface beside it, got " +
                      choice_name(arguments.format, run::kExportFormats) + "; leave the option out");
  const Log log = make_log(0, 1);
  run::TrainedModel model(tables, arguments.model, arguments.assignments, arguments.allow_code);
  model.build(&*log);
  if (arguments.format == run::ExportFormat::kHuggingFace) return export_folder(arguments, model, *log);
  const run::RunConfig& config = model.config();
  const std::filesystem::path output(arguments.output);
  const auto card = arguments.card.empty() ? std::filesystem::path(output).replace_extension(".md")
                                           : std::filesystem::path(arguments.card);
  const std::string card_text = run::model_card(model, card_facts(arguments));
  const std::filesystem::path place = behind_links(output);
  const auto about = description(model);
  const std::array<Replacement, 2> replacements = {Replacement(arguments.output), Replacement(card.string())};
  if (arguments.format == run::ExportFormat::kSafetensors) {
    write_safetensors(place, run::weights_of(config.encoder->parameters()), about);
  } else {
    encoders::export_torchscript(*config.encoder, run::input_shape(config), place, about);
  }
  write_output(card, card_text);
  for (const Replacement& replacement : replacements) replacement.report(*log);
  log->info("{}: {} of step {}, {} parameters, embeddings of width {}; model card: {}", arguments.output,
            config.encoder.name(), model.step(), config.encoder->parameters().count(),
            config.encoder->output_dim(), card.string());
  return kDone;
}

void add_folder_options(CLI::App* out, ExportArguments& arguments) {
  const auto only_of_folders = [&arguments](CLI::Option* option) {
    option->each(
        [&arguments, name = option->get_name()](const std::string&) { arguments.folder_option = name; });
  };
  only_of_folders(add_path(out, "--from", arguments.from,
                           "huggingface: folder of the original model (default: the one that the encoder was "
                           "exported from, or that of encoder.init_from)"));
  only_of_folders(add_defaulted_choice(out, "--weights-type", arguments.folder.type, run::kWeightTypes,
                                       "huggingface: element type of the weights"));
  only_of_folders(out->add_option("--shard-size", arguments.shard_gib,
                                  "huggingface: largest shard of the weights, in GiB")
                      ->capture_default_str()
                      ->check(CLI::Range(1e-6, 1e6)));
  only_of_folders(
      add_defaulted_choice(out, "--adapters", arguments.folder.adapters, run::kAdapterForms,
                           "huggingface: low-rank adapters as part of the weights, or without them "
                           "as peft reads them"));
}

}  // namespace

void add_export(CLI::App* out, Action& action) {
  auto arguments = on<ExportArguments>(out, action, run_export);
  add_model(out, arguments->model)->required();
  add_choice(out, "--format", arguments->format, run::kExportFormats,
             "Output format. safetensors: weights by name; torchscript: weights and network, for "
             "torch.jit.load and torch::jit::load; huggingface: a folder that transformers, "
             "sentence-transformers, timm or open_clip load, whichever the encoder came from")
      ->required();
  add_output(out, arguments->output, "File to write; huggingface: a new folder");
  add_path(out, "--card", arguments->card,
           "File for the model card (default: the output name with the ending .md, or README.md in the "
           "folder); replaced as --output is");
  add_old_spelling(out, "--measures", "--metrics");
  add_path(
      out, "--metrics", arguments->metrics,
      "Metrics file for the model card, as `evaluate --json` writes it (default: the run's last evaluation)")
      ->check(CLI::ExistingFile);
  out->add_option("--license", arguments->license,
                  "Licence of the model for the model card, as an SPDX name such as apache-2.0");
  out->add_option("--data-license", arguments->data_license,
                  "Licence of the training data for the model card");
  add_folder_options(out, *arguments);
  add_set(out, arguments->assignments);
  add_allow_code(out, arguments->allow_code);
}

}  // namespace lodestone::commands
