#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lodestone::distributed {

/// How a rank joins the control plane. All ranks give the same values, except `rank`.
struct ControlOptions {
  int rank = 0;
  int world = 1;
  std::string host = "127.0.0.1";  ///< host of rank 0, which serves the store
  int port = 0;                    ///< rank 0 may give 0 for any free port; see port()
  bool loopback = true;            ///< rank 0 accepts connections from its own host only
  int64_t generation = 0;          ///< number of restarts of the job; other generations are refused
  std::string token;               ///< secret of the job: messages without it are refused
  std::chrono::milliseconds peer_timeout{5'000};  ///< silence after which a rank counts as lost
  /// The same for a rank that has not been heard of yet: it may still be loading libraries.
  std::chrono::milliseconds join_timeout{60'000};
};

/// The state of another rank as rank 0 knows it.
struct Peer {
  int rank = 0;
  int64_t step = 0;
  std::chrono::milliseconds silent{0};
  bool left = false;  ///< it has left in order
  /// Steps behind the others when it was last heard of. The others' steps are those reported by then, so the
  /// age of its heartbeat does not count.
  int64_t behind = 0;
  /// How long it has been in the same collective while others were further: the time the job has waited for
  /// it.
  std::chrono::milliseconds lag{0};
  std::string place;  ///< "all_gather call 17 of group world", or ""
};

/// Tells every rank which ranks are alive, by heartbeats through a key-value store that rank 0 serves.
/// Each rank's thread publishes a heartbeat (step, last collective entered per group) about twenty times per
/// peer_timeout. Rank 0's thread reads them all and publishes a status equally often: a verdict once a rank
/// falls silent or reports a failure. The other ranks read the status. They treat rank 0 as lost if the store
/// fails or does not answer for peer_timeout, or the status is not renewed for that long. Heartbeats and
/// status are sealed together with an increasing counter: a replayed old one is not believed, and a deleted
/// one counts as not written.
/// Cost      per heartbeat: W small messages at rank 0, three elsewhere. Takes no part in collectives.
/// Throws    ConfigError if the port is taken, the host unknown or the generation differs; CommError if rank
///           0 cannot be reached.
/// Threads   all methods are safe concurrently; only late() waits (at most one second), and none uses a
///           socket.
class ControlPlane {
 public:
  explicit ControlPlane(const ControlOptions& options);
  /// Calls leave() unless it was called before.
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  /// Leaves the control plane in order. Rank 0 waits until the others have left or are lost, since their
  /// threads still need its store; after a failure it waits at most peer_timeout. The end of a launch calls
  /// this explicitly: MPI may keep this object alive to the end of the process, and the other ranks must
  /// learn the verdict before.
  void leave();

  const ControlOptions& options() const;  ///< with the port filled in
  int port() const { return options().port; }

  /// Sets the training step that this rank's heartbeats report.
  void set_step(int64_t step);
  /// Sets the collective that this rank's heartbeats report: call number `call` of `group`.
  void entered(const std::string& group, uint64_t call, const char* operation);

  /// The verdict, if there is one: which rank is lost or failed, and how that was noticed. It does not change
  /// afterwards.
  std::optional<std::string> failure();
  /// The exit code with which all ranks end: that of the failed rank, of several the one with the lowest
  /// number. nullopt without a verdict, and if the rank is lost or gave no code.
  std::optional<int> failure_code();
  /// Reports that this rank has failed: soon every other rank's failure() says so, and failure_code() is
  /// `code`, if that is not 0. Only the first report of a rank counts.
  void report(const std::string& what, int code = 0);
  /// Which of `ranks` have not entered call `call` of `group`, in words; "" if that is not known.
  std::string late(const std::string& group, uint64_t call, const std::vector<int>& ranks);
  /// On rank 0, the last known state of every rank; elsewhere empty.
  std::vector<Peer> peers() const;
  /// On rank 0, the ranks for which the job has waited longer than peer_timeout and four usual steps, in
  /// words: "rank 3 lags: ..."; "" if there are none, and on other ranks. Such ranks may still arrive; the
  /// group's own timeout decides when they count as lost.
  std::string laggards() const;
  /// On rank 0, soon increases flight_requests() on every rank by one. On other ranks it has no effect.
  void request_flight_records();
  /// How often flight records were requested so far.
  int64_t flight_requests() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
  std::atomic<bool> left_{false};
};

}  // namespace lodestone::distributed
