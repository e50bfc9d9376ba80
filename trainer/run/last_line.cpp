#include "trainer/run/last_line.h"

#include "common/paths.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::run {

namespace {

// "step 8 in runs/a/checkpoints/step-00000008"
std::string kept_step(const coordinator::RunFolder& folder, int64_t step) {
  const auto checkpoints = coordinator::list_checkpoints(folder.checkpoints());
  const auto& place = checkpoints.empty() ? folder.checkpoints() : checkpoints.front();
  return "step " + std::to_string(step) + " in " + place.string();
}

}  // namespace

std::string stopped_line(const std::string& what) {
  return what + ": nothing was saved, since no step was done; start the same command again to begin";
}

std::string stopped_line(const std::string& what, const coordinator::RunFolder& folder, int64_t step) {
  return what + ": saved " + kept_step(folder, step) + "; start the same command again to continue";
}

std::string unsaved_line(const std::string& what, const coordinator::RunFolder& folder) {
  const auto checkpoints = coordinator::list_checkpoints(folder.checkpoints());
  const std::string lost = what + ": the steps since the last checkpoint could not be saved and are lost; ";
  if (checkpoints.empty()) return lost + "there is no checkpoint: the same command starts from the beginning";
  return lost + "the same command continues from " + checkpoints.front().string();
}

std::string done_line(const coordinator::RunFolder& folder, int64_t step, bool saved_now) {
  const std::string report = is_file(folder.report()) ? ", report in " + folder.report().string() : "";
  const std::string run = folder.root().string();
  return std::string("done: ") + (saved_now ? "saved " : "nothing to save, the run ended before with ") +
         kept_step(folder, step) + report + "; next: `lodestone embed " + run +
         " --input FILES --output FILE.safetensors`, `lodestone serve " + run + "` or `lodestone export " +
         run + " --format safetensors --output FILE.safetensors`";
}

}  // namespace lodestone::run
