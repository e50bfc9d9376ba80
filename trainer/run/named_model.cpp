#include "trainer/run/named_model.h"

#include <filesystem>

#include "common/error.h"
#include "common/paths.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/checkpoint_files.h"
#include "trainer/coordinator/checkpoints/manifest.h"
#include "trainer/coordinator/checkpoints/run_folder.h"

namespace lodestone::run {

namespace fs = std::filesystem;

namespace {

constexpr const char* kExpected =
    "model: expected a run folder, a checkpoint, or a configuration (*.yaml) whose encoder has weights, got ";

// The name counts too, since a checkpoint may be damaged, or removed by a run that keeps only the newest.
bool is_named_as_checkpoint(const fs::path& path) {
  const fs::path name = path.has_filename() ? path.filename() : path.parent_path().filename();
  return coordinator::step_of(name.string()) >= 0;
}

bool holds_checkpoint(const fs::path& folder) {
  return is_file(folder / coordinator::Manifest::kFileName) ||
         !coordinator::list_checkpoints(folder).empty() ||
         !coordinator::list_checkpoints(coordinator::RunFolder(folder).checkpoints()).empty();
}

std::string folder_found(const fs::path& folder) {
  if (coordinator::RunFolder(folder).holds_run())
    return "a run without a checkpoint, " + folder.string() + "; train it until its first checkpoint";
  for (const char* name : {"model.safetensors", "model.safetensors.index.json"})
    if (is_file(folder / name))
      return "a folder of weights, " + folder.string() + "; name it in a configuration, as encoder.init_from";
  return "a folder that has none, " + folder.string() + "; name the folder of a run";
}

std::string file_found(const fs::path& file) {
  const std::string ending = file.extension().string();
  if (ending == ".safetensors")
    return "a safetensors file, " + file.string() +
           "; if it has weights, name it in a configuration, as encoder.init_from";
  if (ending == ".pt" || ending == ".pth")
    return "a file of PyTorch, " + file.string() +
           "; if it is TorchScript, name it in a configuration: encoder: {name: torchscript, file: " +
           file.filename().string() + "}";
  return "another file, " + file.string() + "; name the folder of a run, or a configuration";
}

void refuse_kept_configuration(const fs::path& file) {
  const fs::path folder = absolute_path(file).parent_path();
  if (file.filename() != "config.yaml") return;
  if (!is_file(folder / coordinator::Manifest::kFileName) && !coordinator::RunFolder(folder).holds_run())
    return;
  throw ConfigError(kExpected + ("the configuration that a run has kept, " + file.string()) +
                    ", which has no weights of the run; name its folder, " + folder.string());
}

}  // namespace

ModelKind kind_of_model(const std::string& named) {
  const fs::path path(named);
  if (is_named_as_checkpoint(path)) return ModelKind::kCheckpoint;
  if (is_folder(path)) {
    if (holds_checkpoint(path)) return ModelKind::kCheckpoint;
    throw CheckpointError(kExpected + folder_found(path));
  }
  if (!path_exists(path)) throw CheckpointError(kExpected + named + ", which does not exist; check the path");
  if (path.extension() != ".yaml" && path.extension() != ".yml")
    throw CheckpointError(kExpected + file_found(path));
  refuse_kept_configuration(path);
  return ModelKind::kConfiguration;
}

}  // namespace lodestone::run
