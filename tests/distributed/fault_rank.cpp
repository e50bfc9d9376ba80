// A rank of a job that goes wrong: fault_rank MODE VICTIM FOLDER. Trains on nothing until the rank VICTIM
// misbehaves at step 20, noted in FOLDER/fault; every rank leaves what it saw in FOLDER/rank-N. Started by
// mpi_faults_test.

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <unistd.h>

#include "common/error.h"
#include "distributed/launch.h"
#include "distributed/reductions/gradient_sync.h"

namespace {

constexpr int64_t kFaultStep = 20;

// Appears whole or not at all.
void leave_note(const std::filesystem::path& path, const std::string& text) {
  const std::string unfinished = path.string() + ".part";
  std::ofstream(unfinished) << text;
  std::filesystem::rename(unfinished, path);
}

void misbehave(const std::string& mode, const std::filesystem::path& folder,
               lodestone::distributed::Launch& launch) {
  leave_note(folder / "fault", mode);
  if (mode == "kill" || mode == "kill-in-backward") ::raise(SIGKILL);
  if (mode == "stop") ::raise(SIGSTOP);
  if (mode == "code") {
    launch.world().abort("record 18 is broken", 3);
    throw lodestone::DataError("record 18 is broken");
  }
  if (mode == "throw") throw lodestone::DataError("record 17 is broken");
  if (mode == "late") {
    while (!launch.control()->failure()) ::usleep(1000);
    throw lodestone::CommError("was late: " + *launch.control()->failure());
  }
}

void train(const std::string& mode, int victim, const std::filesystem::path& folder,
           lodestone::distributed::Launch& launch) {
  const lodestone::distributed::Group world = launch.world();
  at::Tensor weight = at::ones({64}).requires_grad_(true);
  lodestone::distributed::GradientSync sync(world, {weight});
  const int64_t steps = mode == "none" ? 2 * kFaultStep : 1'000'000'000;
  for (int64_t step = 0; step < steps; ++step) {
    world.set_step(step);
    if (mode == "kill-in-backward") {
      const at::Tensor loss = weight.pow(2).sum();
      sync.prepare({loss});
      if (step == kFaultStep && world.rank() == victim) misbehave(mode, folder, launch);
      torch::autograd::backward({loss});
      sync.finish();
      continue;
    }
    if (step == kFaultStep && world.rank() == victim) misbehave(mode, folder, launch);
    at::Tensor x = at::ones({mode == "astray" && step == kFaultStep && world.rank() == victim ? 500 : 1000});
    world.all_reduce(x);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string mode = argv[1];
  const std::filesystem::path folder = argv[3];
  std::string note = "unknown";
  const char* const rank = std::getenv("OMPI_COMM_WORLD_RANK");
  leave_note(folder / ("pid-" + std::string(rank)), std::to_string(::getpid()));
  int code = 0;
  try {
    lodestone::distributed::LaunchOptions options;
    // Four ranks share two processors with whatever else runs: nobody is to be lost who only waits for his
    // turn.
    options.peer_timeout = std::chrono::milliseconds(3000);
    options.group.compare_calls = mode == "astray" || mode == "none";
    options.group.timeout = std::chrono::milliseconds(mode == "late" ? 1000 : 60'000);
    lodestone::distributed::Launch launch(options);
    try {
      train(mode, std::stoi(argv[2]), folder, launch);
      note = "done";
    } catch (const lodestone::CommError& error) {
      const auto given = launch.control()->failure_code();
      note = error.what() + (given ? "; exit code " + std::to_string(*given) : std::string());
      code = given.value_or(4);
      throw;
    }
  } catch (const lodestone::CommError& error) {
    if (code == 0) note = error.what();  // else written while the control plane was there
    if (code == 0) code = 4;
  } catch (const lodestone::Error& error) {
    note = error.what();
    code = 3;
  }
  leave_note(folder / ("rank-" + std::string(rank)), note);
  return code;
}
