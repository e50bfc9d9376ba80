#include <iostream>

#include "common/error.h"
#include "common/paths.h"
#include "common/printable.h"
#include "trainer/commands/command.h"
#include "trainer/coordinator/checkpoint.h"

namespace lodestone {

int run_inspect(const std::string& checkpoint) {
  namespace fs = std::filesystem;
  fs::path path = checkpoint;
  for (const auto& root : {path, path / "checkpoints"})
    if (const auto all = list_checkpoints(root); !all.empty()) {
      path = all.front();
      break;
    }
  if (!path_exists(path / "MANIFEST.json"))
    throw CheckpointError("inspect: expected a checkpoint or a run folder with one, got " + path.string() +
                          ", which has no MANIFEST.json; a checkpoint is a folder step-XXXXXXXX");
  const CheckpointReport report = verify_checkpoint(path);
  std::cout << printable(report.path.string()) << "\nstep " << report.step << ", world " << report.world
            << ", configuration " << printable(report.config_hash) << ", generation " << report.generation
            << ", written by " << printable(report.build) << "\n";
  for (const auto& [measure, value] : report.measures)
    std::cout << "  " << printable(measure) << " " << value << "\n";
  for (const auto& item : report.items)
    std::cout << "  " << (item.ok() ? "ok      " : "DAMAGED ") << printable(item.file)
              << (item.tensor.empty() ? "" : "  " + printable(item.tensor)) << "  " << item.bytes << " bytes"
              << (item.ok() ? "" : "  " + printable(item.problem)) << "\n";
  if (report.ok()) return kDone;
  std::cout << "damaged: " << printable(report.damage()) << "\n";
  return kCheckpointUnusable;
}

}  // namespace lodestone
