#include <iostream>

#include "common/files.h"
#include "common/paths.h"
#include "common/printable.h"
#include "trainer/commands/verb.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/run/run_config.h"

namespace lodestone::commands {

namespace {

struct InspectArguments {
  std::string checkpoint;
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

void print_code(const coordinator::CheckpointReport& report, const run::Tables& tables) {
  try {
    for (const auto& [file, hash] : code_of(report, tables))
      std::cout << "  CODE    " << printable(file) << "  "
                << (hash.empty() ? "no hash in the manifest" : "sha256 " + printable(hash))
                << "  TorchScript, loaded only with --allow-code\n";
  } catch (const Error& error) {
    std::cout << "  CODE?   config.yaml can't be read, so it isn't known whether it names code: "
              << printable(error.what()) << "\n";
  }
}

int run_inspect(const InspectArguments& arguments, const run::Tables& tables) {
  const std::string& checkpoint = arguments.checkpoint;
  namespace fs = std::filesystem;
  fs::path path = checkpoint;
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
  add_path(inspect, "checkpoint", arguments->checkpoint, "Checkpoint or run folder to verify")->required();
}

}  // namespace lodestone::commands
