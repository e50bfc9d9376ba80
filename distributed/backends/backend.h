#pragma once

// Internal to distributed/, since it has c10d types: include it from .cpp files only.

#include <memory>
#include <span>
#include <string>

#include "distributed/control/control.h"
#include "distributed/rendezvous/launch_info.h"
#include "distributed/transport/group_state.h"

namespace lodestone::distributed {

/// What a backend has started for this process, and ends. A job of several ranks calls rendezvous, open and
/// close in this order; a job of one rank only close.
/// Ranks     collective, all but the destructor
class StartedBackend {
 public:
  /// Ends as close(true) does, unless closed.
  virtual ~StartedBackend() = default;
  /// Finds the other ranks and starts the control plane.
  virtual std::shared_ptr<ControlPlane> rendezvous(ControlOptions wanted) = 0;
  /// Whether the ranks find one another at an address that strangers may reach as well, so that only the
  /// job's token excludes them.
  virtual bool needs_token() const { return false; }
  /// Makes the transports of the group of all ranks: sets `cpu`, `cuda` and `backend`. The other members of
  /// `world` are set.
  virtual void open(GroupState& world) = 0;
  /// Ends what was started. With `failed`, waits for no other rank.
  virtual void close(bool failed) noexcept = 0;
};

/// The backend of ranks that are threads of one process.
inline constexpr const char* kLocalBackend = "local";

/// A way in which ranks communicate.
struct BackendRow {
  const char* name;          ///< as in distributed.backend
  std::string (*problem)();  ///< why this build or host cannot use it; "" if it can
  /// Whether `backend: auto` selects it for this launch; of all rows, exactly one says so.
  bool (*automatic)(const LaunchInfo& info, bool cuda);
  /// Starts it and completes `info`; null if one rank needs nothing. Throws ConfigError if it does not fit
  /// the launch or the device.
  std::unique_ptr<StartedBackend> (*start)(LaunchInfo& info, const Environment& environment, bool cuda);
};

/// All backends.
std::span<const BackendRow> backend_rows();

}  // namespace lodestone::distributed
