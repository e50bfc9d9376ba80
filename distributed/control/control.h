#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lodestone {

/// How a rank joins the control plane. All ranks give the same values except `rank`.
struct ControlOptions {
  int rank = 0;
  int world = 1;
  std::string host = "127.0.0.1";  ///< where rank 0 serves
  int port = 0;                    ///< rank 0 may give 0: any free one, then port() tells which
  bool loopback = true;            ///< rank 0 accepts connections from its own host only
  int64_t generation = 0;          ///< of the job's restarts; a process of another generation is refused
  std::string token;  ///< of the job: who has another is refused, and what it writes is not believed
  std::chrono::milliseconds peer_timeout{5'000};  ///< silence after which a rank counts as lost
  /// The same for a rank that was never heard of: it may still be loading libraries.
  std::chrono::milliseconds join_timeout{60'000};
};

/// What is known of a rank: where it is and when it was last heard of.
struct Peer {
  int rank = 0;
  int64_t step = 0;
  std::chrono::milliseconds silent{0};
  bool left = false;  ///< said good-bye
  /// Steps it was behind when last heard, by what the others had told before: the age of its heartbeat doesn't count.
  int64_t behind = 0;
  /// How long it has been in the same collective call while others were further: what the job has waited for it.
  std::chrono::milliseconds lag{0};
  std::string place;  ///< "all_gather call 17 of group world", or ""
};

/// Who is alive: a key-value store served by rank 0, and one thread per rank that tells it and asks it. Each
/// rank's thread publishes a heartbeat (step, last collective entered per group) some twenty times per
/// peer_timeout. Rank 0's thread reads all of them and publishes its word as often: a verdict when one falls silent or reports a
/// failure. The others read that word, and take a store that fails or does not answer for peer_timeout, or a word that isn't
/// renewed for as long, as the loss of rank 0. Heartbeats and word are sealed together with a counter that grows: an old one
/// that somebody puts back is not believed, and what somebody deletes counts as not written.
/// Cost       per heartbeat: W small messages at rank 0, three elsewhere. No part in any collective.
/// Throws     ConfigError if the port is taken, the host unknown or the generation another; CommError if rank
///            0 cannot be reached.
/// Threads    all methods are safe concurrently; only late() waits (at most a second) and none touches a
///            socket.
class ControlPlane {
 public:
  explicit ControlPlane(const ControlOptions& options);
  /// leave(), unless that was called before.
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  /// Says good-bye. Rank 0 stays until the others have left or are lost, since their threads still need its
  /// store; after a failure it stays peer_timeout at most. The end of a launch calls it: what MPI has left behind may keep this
  /// object to the end of the process, and the others must hear the verdict before.
  void leave();

  const ControlOptions& options() const;  ///< with the port filled in
  int port() const { return options().port; }

  void set_step(int64_t step);
  void entered(const std::string& group, uint64_t call, const char* verb);

  /// The verdict, if there is one: which rank is lost or failed, and how that was noticed. Final.
  std::optional<std::string> failure();
  /// This rank has failed: every other rank's failure() will soon say so.
  void report(const std::string& what);
  /// Which of `ranks` have not entered call `call` of `group`, in words; "" if that cannot be told.
  std::string late(const std::string& group, uint64_t call, const std::vector<int>& ranks);
  /// On rank 0, every rank as last seen; elsewhere empty.
  std::vector<Peer> peers() const;
  /// On rank 0, the ranks that the job has waited for longer than peer_timeout and four usual steps, in words: "rank 3 lags: ...";
  /// elsewhere, and if there are none, "". They may still come; the group's own timeout decides when they are given up.
  std::string laggards() const;
  /// Every rank's flight_requests() goes up by one soon. On rank 0 only; elsewhere nothing.
  void request_flights();
  int64_t flight_requests() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::atomic<bool> left_{false};
};

}  // namespace lodestone
