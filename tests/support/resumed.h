#pragma once

#include <string>
#include <vector>

#include "support/program.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

/// Runs that stop and resume.
namespace lodestone::testing {
using namespace coordinator;

using Words = std::vector<std::string>;

inline Words with(Words settings, const Words& more) {
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

inline Finished train(const Workspace& work, const Words& settings, int ranks = 1) {
  Words words = lodestone({"train", work.config()});
  for (const auto& setting : settings) words.insert(words.end(), {"--set", setting});
  return run(ranks == 1 ? words : mpirun(ranks, words));
}

/// Rewrites the checkpoint as an earlier version saved it: without names and rows, but with the numbers of
/// the batches.
inline void forget_names(const Workspace& work) {
  Checkpoint checkpoint = load_checkpoint(work.run());
  checkpoint.snapshot.tensors.erase("classes");
  checkpoint.snapshot.state.erase("data");
  const nlohmann::json place = checkpoint.snapshot.state["sampler"];
  checkpoint.snapshot.state["sampler"] = {{"epoch", place["epoch"]}, {"position", place["position"]}};
  std::filesystem::remove_all(work.run() / "checkpoints");
  SaveInfo info;
  info.step = checkpoint.step;
  info.config_yaml = checkpoint.config_yaml;
  save_checkpoint(work.run() / "checkpoints", checkpoint.snapshot, info);
}

}  // namespace lodestone::testing
