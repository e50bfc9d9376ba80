#include <iostream>

#include "common/files.h"
#include "common/paths.h"
#include "common/printable.h"
#include "trainer/commands/shared_options.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/named_model.h"
#include "trainer/run/own_weights.h"
#include "trainer/run/run_config.h"

namespace lodestone::commands {

namespace {

struct InspectArguments {
  std::string model;
};

// The code that a model would execute: the files that its configuration names, whether
// or not the manifest lists them.
std::map<std::string, std::string> code_of(const coordinator::CheckpointReport& report,
                                           const run::Tables& tables) {
  std::map<std::string, std::string> code = report.code;
  const auto config_file = report.path / "config.yaml";
  run::RunConfig config(tables);
  run::read_stored_config(read_file(config_file), config_file.string(), {}, config);
  for (const auto& [file, loaded] : config.encoder->code()) code.try_emplace(file);
  return code;
}

constexpr const char* kLoadedIfAllowed = "  TorchScript, loaded only with --allow-code\n";

void print_code(const coordinator::CheckpointReport& report, const run::Tables& tables) {
  try {
    for (const auto& [file, hash] : code_of(report, tables))
      std::cout << "  CODE    " << printable(file) << "  "
                << (hash.empty() ? "no hash in the manifest" : "sha256 " + printable(hash))
                << kLoadedIfAllowed;
  } catch (const Error& error) {
    std::cout << "  CODE?   config.yaml can't be read, so it isn't known whether it names code: "
              << printable(error.what()) << "\n";
  }
}

// Loads weights, to see whether they fit, but no code.
int inspect_configuration(const std::string& file, const run::Tables& tables) {
  run::RunConfig config(tables);
  run::load_run_config(file, {}, config);
  run::check_has_weights(config, file);
  std::cout << printable(file) << "\nconfiguration of the encoder " << config.encoder.name() << "\n";
  const auto code = config.encoder->code();
  for (const auto& [name, hash] : code) std::cout << "  CODE    " << printable(name) << kLoadedIfAllowed;
  if (!code.empty()) return kDone;
  run::build_encoder(config, *config.encoder);
  for (const std::string& sentence : run::load_own_weights(config))
    std::cout << "  ok      " << sentence << "\n";
  return kDone;
}

int run_inspect(const InspectArguments& arguments, const run::Tables& tables) {
  if (run::kind_of_model(arguments.model) == run::ModelKind::kConfiguration)
    return inspect_configuration(arguments.model, tables);
  namespace fs = std::filesystem;
  fs::path path = arguments.model;
  for (const auto& root : {path, path / "checkpoints"})
    if (const auto all = coordinator::list_checkpoints(root); !all.empty()) {
      path = all.front();
      break;
    }
  if (!path_exists(path))
    throw CheckpointError("inspect: expected a checkpoint or a run folder with one, got " + path.string() +
                          ", which does not exist; check the path, or which checkpoints the run keeps");
  if (!path_exists(path / "MANIFEST.json"))
    throw CheckpointError("inspect: expected a checkpoint or a run folder with one, got " + path.string() +
                          (is_folder(path) ? ", which has no MANIFEST.json" : ", which is a file") +
                          "; a checkpoint is a folder step-XXXXXXXX");
  const coordinator::CheckpointReport report = coordinator::verify_checkpoint(path);
  std::cout << printable(report.path.string()) << "\nstep " << report.step << ", world " << report.world
            << ", configuration " << printable(report.config_hash) << ", generation " << report.generation
            << ", written by " << printable(report.build) << "\n";
  for (const auto& [measure, value] : report.metrics)
    std::cout << "  " << printable(measure) << " " << value << "\n";
  for (const auto& item : report.items)
    std::cout << "  " << (item.ok() ? "ok      " : "DAMAGED ") << printable(item.file)
              << (item.tensor.empty() ? "" : "  " + printable(item.tensor)) << "  " << item.bytes << " bytes"
              << (item.ok() ? "" : "  " + printable(item.problem)) << "\n";
  print_code(report, tables);
  if (report.ok()) return kDone;
  std::cout << "damaged: " << printable(report.damage()) << "\n";
  return kCheckpointUnusable;
}

}  // namespace

void add_inspect(CLI::App* inspect, Action& action) {
  auto arguments = on<InspectArguments>(inspect, action, run_inspect);
  add_model(inspect, arguments->model)->required();
}

}  // namespace lodestone::commands
