#pragma once

#include <string>
#include <vector>

#include "trainer/plan/plan_model.h"

namespace lodestone::plan {

/// Data sheet figures of a GPU.
struct GpuFigures {
  const char* name;
  double flops, loss_flops;  ///< dense bfloat16 on tensor cores; float32 (TF32) products of the loss
  double memory_bytes, memory_bandwidth, inner_bandwidth;
};
/// The manufacturers' figures of the GPUs that a plan can be for.
const std::vector<GpuFigures>& gpu_table();
/// Their names, for help and messages: "a, b or c".
std::string gpu_names();

/// A machine whose GPU reaches `efficiency` of its peak rate: in bfloat16 if `half_precision`, otherwise in
/// TF32.
/// Throws    ConfigError that lists the known GPUs
Machine machine_of(const std::string& gpu, const StepCost& cost, bool half_precision, double efficiency);

/// This host, without the times that probe_step measures: its ranks share memory, and MPI copies between
/// them.
Machine this_host(int64_t ranks_here);

/// Multiplies the times of computation: the ranks of a host share its cores if there are too few.
void slow_down(Machine& machine, double factor);

/// Converts "400gbit" or "12.5GB" to bytes per second in each direction.
/// Throws    ConfigError
double bandwidth_of(const std::string& text);

}  // namespace lodestone::plan
