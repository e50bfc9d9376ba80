#include "trainer/plan/machines.h"

#include <cstdlib>

#include <unistd.h>

#include "common/choices.h"
#include "common/error.h"

namespace lodestone::plan {

namespace {

constexpr double kMiB = 1024.0 * 1024, kGiB = 1024 * kMiB;

}  // namespace

const std::vector<GpuFigures>& gpu_table() {
  static const std::vector<GpuFigures> table = {
      {"h100", 989e12, 495e12, 80 * kGiB, 3.35e12, 450e9},
      {"h200", 989e12, 495e12, 141 * kGiB, 4.8e12, 450e9},
      {"a100", 312e12, 156e12, 80 * kGiB, 2.0e12, 300e9},
      {"l40s", 362e12, 183e12, 48 * kGiB, 0.864e12, 32e9},
  };
  return table;
}

std::string gpu_names() {
  return names_that(std::span<const GpuFigures>(gpu_table()), [](const GpuFigures&) { return true; });
}

Machine machine_of(const std::string& gpu, const StepCost& cost, bool half_precision, double efficiency) {
  for (const auto& figures : gpu_table()) {
    if (gpu != figures.name) continue;
    const double rate = efficiency * (half_precision ? figures.flops : figures.loss_flops);
    Machine machine;
    machine.name = gpu;
    machine.memory_bytes = figures.memory_bytes;
    machine.base_bytes = kGiB;  // context and libraries
    machine.encode_seconds.per_row = cost.flops_per_row / rate;
    machine.backward_seconds.per_row = 2 * cost.flops_per_row / rate;
    // Weights, gradients and moments are read; all but the gradients are written.
    machine.update_seconds =
        2 * (cost.weight_bytes + cost.gradient_bytes + cost.moment_bytes) / figures.memory_bandwidth;
    machine.pair_seconds = 3 * 2 * static_cast<double>(cost.width) / (efficiency * figures.loss_flops);
    machine.inner_bandwidth = figures.inner_bandwidth;
    machine.inner_latency = 5e-6;
    return machine;
  }
  throw ConfigError("plan: --gpu: unknown GPU '" + gpu + "'; known: " + gpu_names());
}

Machine this_host(int64_t ranks_here) {
  Machine here;
  here.name = "this host";
  const double memory =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  here.memory_bytes = memory / static_cast<double>(ranks_here);
  here.base_bytes = 170 * kMiB;  // program and libraries
  here.inner_bandwidth = 2e9;
  here.inner_latency = 10e-6;
  return here;
}

void slow_down(Machine& machine, double factor) {
  for (ByRows* time : {&machine.encode_seconds, &machine.backward_seconds})
    *time = {time->fixed * factor, time->per_row * factor};
  machine.update_seconds *= factor;
  machine.pair_seconds *= factor;
}

double bandwidth_of(const std::string& text) {
  char* unit = nullptr;
  const double number = std::strtod(text.c_str(), &unit);
  const std::string word = unit;
  if (number > 0 && word == "gbit") return number * 1e9 / 8;
  if (number > 0 && word == "GB") return number * 1e9;
  throw ConfigError("plan: --link: expected a bandwidth as 400gbit or 50GB (a second, each way), got '" +
                    text + "'");
}

}  // namespace lodestone::plan
