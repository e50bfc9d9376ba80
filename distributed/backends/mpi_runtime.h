#pragma once

#include <memory>
#include <string>

#include "distributed/control/control.h"
#include "distributed/rendezvous/launch_info.h"
#include "distributed/transport/transport.h"

namespace lodestone::distributed {

class MpiEngine;

/// MPI for one process: initialises it, sends every message on one communication thread, finalises it.
/// Ranks     collective, all but the destructor; calls block without a deadline before a control plane exists
/// Threads   construct and destroy on the same thread
class MpiRuntime {
 public:
  /// Initialises MPI and completes `info` with what only MPI knows: the world, and who is on this host.
  /// Throws    ConfigError if that fails, if MPI does not grant MPI_THREAD_SERIALIZED, or if it does not see
  ///           the ranks that `info` has
  explicit MpiRuntime(LaunchInfo& info);
  /// Closes as after a failure, unless closed.
  ~MpiRuntime();
  MpiRuntime(const MpiRuntime&) = delete;
  MpiRuntime& operator=(const MpiRuntime&) = delete;

  /// Starts the control plane; MPI carries rank 0's address to the others.
  std::shared_ptr<ControlPlane> rendezvous(ControlOptions wanted);
  /// The transport of all ranks.
  c10::intrusive_ptr<Transport> world(Members members);
  /// Ends the communication thread and MPI. With `failed`, it leaves out MPI_Finalize, which would wait for
  /// dead ranks.
  void close(bool failed);

 private:
  MpiRuntime();
  void find_place(LaunchInfo& info);
  std::string exchange(const std::string& text);

  const std::shared_ptr<MpiEngine> engine_;
  int rank_ = 0;
  int size_ = 1;
  bool closed_ = false;
};

}  // namespace lodestone::distributed
