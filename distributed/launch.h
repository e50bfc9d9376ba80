#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <c10/core/Device.h>

#include "distributed/control/control.h"
#include "distributed/group.h"
#include "distributed/rendezvous/launch_info.h"

namespace lodestone {

struct LaunchOptions {
  std::string backend = "auto";  ///< auto, local, mpi or nccl
  std::string device = "cpu";    ///< cpu, cuda, or auto: cuda where this build and host have it
  GroupOptions group;
  std::chrono::milliseconds peer_timeout{5'000};
};

/// What this build and host offer: one row per backend, with the reason where one is absent.
struct BackendStatus {
  std::string name;
  std::string problem;  ///< "" if it can be used
};
std::vector<BackendStatus> backend_table();

/// A process's part in the job, from start to end: finds its rank, starts MPI if a launcher did, joins the
/// control plane, picks the GPU, makes the world group. With no launcher it does none of that and costs
/// microseconds.
/// Ranks      collective: construction and destruction, on every process of the job. Requires main's thread
///            for both; groups are not used after destruction. One per process.
/// Throws     ConfigError if the environment contradicts itself, if the launcher promised ranks that MPI does
///            not see (srun without --mpi), or if a backend or device asked for is absent: the message says
///            what is missing. CommError if the ranks do not find each other.
/// Errors     after a CommError, or while another exception unwinds it, the destructor tells the other ranks
///            that this one has failed and skips MPI_Finalize, which would wait for dead ranks; the process
///            may then return from main. mpirun sees a rank that ended without MPI_Finalize and ends the job.
class Launch {
 public:
  explicit Launch(const LaunchOptions& options = {}, const Environment& environment = process_environment());
  ~Launch();
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  const LaunchInfo& info() const;  ///< with everything filled in
  Group world() const;
  c10::Device device() const;
  /// Null in world 1.
  std::shared_ptr<ControlPlane> control() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace lodestone
