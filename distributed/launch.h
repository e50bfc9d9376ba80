#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <c10/core/Device.h>

#include "distributed/control/control.h"
#include "distributed/group.h"
#include "distributed/rendezvous/launch_info.h"

namespace lodestone::distributed {

/// Where tensors live.
enum class DeviceChoice {
  kAuto,  ///< CUDA if the build and the host have it, otherwise the CPU
  kCpu,
  kCuda,
};

/// How a process joins its job; all ranks give the same values.
struct LaunchOptions {
  std::string backend = "auto";  ///< one of backend_names()
  DeviceChoice device = DeviceChoice::kCpu;
  GroupOptions group;
  std::chrono::milliseconds peer_timeout{5'000};
};

/// The backends of this build and host: one row each, with the reason if it cannot be used.
struct BackendStatus {
  std::string name;
  std::string problem;  ///< "" if it can be used
};
std::vector<BackendStatus> backend_table();

/// What distributed.backend may be: "auto", then every backend.
std::vector<const char*> backend_names();

/// Why no rank of this build and host can use a GPU; "" if one can.
std::string gpu_problem();

/// A process's part in the job, from start to end: it finds its rank, initialises MPI if a launcher started
/// it, joins the control plane, selects the GPU, and makes the world group. Without a launcher it does none
/// of that and costs microseconds.
/// Ranks     collective: construction and destruction, on every process of the job.
/// Requires  the main thread for both; groups are not used after destruction; one object per process.
/// Throws    ConfigError if the environment is contradictory, if the launcher promised ranks that MPI does
///           not see (srun without --mpi), or if a requested backend or device is absent (the message says
///           what is missing); CommError if the ranks do not find each other.
/// Errors    after a CommError, or during another exception, the destructor tells the other ranks that this
///           one has failed, and skips MPI_Finalize, which would wait for dead ranks. The process may then
///           return from main: mpirun sees that a rank ended without MPI_Finalize, and ends the job.
class Launch {
 public:
  explicit Launch(const LaunchOptions& options = {}, const Environment& environment = process_environment());
  ~Launch();
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  const LaunchInfo& info() const;  ///< complete, with the values that MPI supplied
  /// The group of all ranks of the job.
  Group world() const;
  /// The device of this rank: the CPU, or the GPU that was selected for it.
  c10::Device device() const;
  /// Null with one rank.
  std::shared_ptr<ControlPlane> control() const;
  /// Whether anyone who can reach the control plane's port is trusted: the job needs a token and has none.
  bool lacks_token() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lodestone::distributed
