#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace lodestone::distributed {

/// Looks up an environment variable. A value, so that tests need no real environment.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The process's own environment.
Environment process_environment();

/// What the launcher's environment variables say about this process.
struct LaunchInfo {
  /// The launcher. kNone: a process on its own; kPmix: the world size is unknown (0) before MPI_Init.
  enum class Launcher { kNone, kOpenMpi, kMvapich, kPmi, kPmix, kSlurm, kTorchrun };

  Launcher launcher = Launcher::kNone;
  int rank = 0;
  int world = 1;  ///< 0: unknown until MPI_Init
  int local_rank = 0;
  int local_world = 1;         ///< 0: unknown
  std::string master_address;  ///< MASTER_ADDR, or ""
  int master_port = 0;         ///< MASTER_PORT if it is the rendezvous, else 0
  /// Number of restarts so far: LODESTONE_GENERATION, TORCHELASTIC_RESTART_COUNT or SLURM_RESTART_COUNT.
  int64_t generation = 0;
  std::string token;  ///< LODESTONE_JOB_TOKEN, or torchrun's TORCHELASTIC_RUN_ID, or "": see seal.h

  /// Whether MPI_Init will find other ranks.
  bool has_mpi() const;
};

/// "Open MPI", "Slurm", …
const char* name_of(LaunchInfo::Launcher launcher);

/// Finds rank and world size in the environment. The first match wins: Open MPI (OMPI_COMM_WORLD_*), MVAPICH
/// (MV2_COMM_WORLD_*), MPICH and Intel MPI (PMI_RANK, PMI_SIZE, MPI_LOCALRANKID), PMIx (PMIX_RANK), Slurm
/// (SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID), torchrun (RANK, WORLD_SIZE, LOCAL_RANK); else a process on
/// its own.
/// A later match that contradicts the first is an error, with one exception: Slurm's variables for a batch
/// script, for salloc's shell or for mpirun's own daemons do not describe the ranks that mpirun started
/// there. Variables that this launch does not need may have any value: under mpirun, MASTER_PORT may be
/// Kubernetes' as well as torchrun's.
/// Throws    ConfigError naming both variables if two contradict each other; naming the variable if a
///           required one is malformed or lacks its partner, or a rank is outside its world.
LaunchInfo discover_launch(const Environment& environment);

}  // namespace lodestone::distributed
