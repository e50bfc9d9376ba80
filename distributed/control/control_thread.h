#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "distributed/control/control.h"
#include "distributed/control/seal.h"

namespace lodestone::distributed {

/// The last collective that a rank entered in a group.
struct Entered {
  uint64_t call = 0;
  std::string operation;
};

/// Why a rank or the job has failed.
struct Failure {
  std::string what;
  int code = 0;  ///< the exit code that the failed rank gave; 0: none

  /// Has it failed?
  explicit operator bool() const { return !what.empty() || code != 0; }
};

/// The heartbeat of a rank, sent about twenty times per peer_timeout.
struct Beat {
  uint64_t number = 0;
  int64_t step = 0;
  bool left = false;
  std::map<std::string, Entered> entered;
  Failure report;

  std::string text() const;
  static Beat parse(const std::string& text);
};

/// The status that rank 0 publishes equally often.
struct Status {
  uint64_t number = 0;
  int64_t flights = 0;  ///< how often flight records were requested
  Failure verdict;

  std::string text() const;
  static Status parse(const std::string& text);
};

/// What rank 0 stores about a rank.
struct Watched {
  uint64_t number = 0;  ///< of its newest heartbeat; 0: none yet
  std::chrono::steady_clock::time_point heard;
  int64_t step = 0;
  int64_t behind = 0;  ///< steps behind what others had reported before its heartbeat
  bool left = false;
  uint64_t call = 0;  ///< the last of group "world"
  std::string operation;
  /// Since when it has been in this call while others were further.
  std::optional<std::chrono::steady_clock::time_point> behind_since;
};

/// Names of the entries in the store. Their keys come from Seal::key, so processes of another generation or
/// job use other keys.
inline constexpr const char* kStatus = "word";
std::string beat_name(int rank);

/// Opens a new connection to rank 0's store.
c10::intrusive_ptr<c10d::Store> connect_store(const ControlOptions& options);
/// Starts rank 0's store and fills in options.port.
c10::intrusive_ptr<c10d::Store> serve_store(ControlOptions& options);

/// The state shared by the callers of a ControlPlane and its thread. Only the thread uses the store, whose
/// calls have no timeout. Callers read the results that it left here; `asked_at` shows when a store call does
/// not return.
struct ControlPlane::Impl {
  explicit Impl(ControlOptions wanted);
  void run();

  /// Duration of the current store call; zero between calls, and on rank 0, which needs no network.
  std::chrono::milliseconds store_silence();
  void declare_lost(const Failure& why);
  std::vector<Beat> ask_for_beats();

  ControlOptions options;
  Seal seal;
  c10::intrusive_ptr<c10d::Store> server;  // on rank 0
  c10::intrusive_ptr<c10d::Store> store;   // this thread's own connection
  std::thread thread;
  std::atomic<int64_t> step{0};
  std::atomic<bool> declared_lost{false};
  std::atomic<int64_t> asked_at{0};   // steady clock in ns; 0 = no call under way
  std::atomic<int64_t> looked_at{0};  // when a caller last looked at asked_at
  std::atomic<int64_t> grace_until{0};
  std::atomic<int64_t> flight_requests{0};  // requests: on rank 0 to publish; elsewhere received

  std::mutex mutex;  // guards the members below
  std::condition_variable changed;
  bool leaving = false;
  bool ended = false;
  Failure verdict;
  Failure report;
  std::map<std::string, Entered> entered;
  std::vector<Watched> watched;  // on rank 0
  double step_seconds = 0;       // on rank 0: of a usual step
  uint64_t beats_wanted = 0, beats_given = 0;
  std::vector<Beat> beats;

 private:
  void send_heartbeat(bool good_bye);
  void listen();
  void watch();
  void publish_status();
  void receive(const Status& status);
  void report_if_well(const std::string& what);
  void give_beats();
  void wait_for_next();
  bool may_end();
  const std::vector<Beat>& read_beats();
  void publish(c10d::Store& where, const std::string& name, const std::string& text) const;
  std::vector<std::string> fetch(const std::vector<std::string>& names);
  int64_t furthest_step() const;
  Failure trouble_of(size_t rank) const;
  void note(Watched& rank, const Beat& beat, int64_t reported_before);
  void note_lags();
  void note_step();
  std::chrono::milliseconds interval() const;

  std::vector<Beat> newest_;  // by rank
  std::chrono::steady_clock::time_point left_at_{};
  std::chrono::steady_clock::time_point watched_at_{};
  std::chrono::steady_clock::time_point step_at_{};
  int64_t step_seen_ = 0;
  uint64_t status_number_ = 0;                           // of the newest word
  std::chrono::steady_clock::time_point status_at_{};    // when it last changed
  std::chrono::steady_clock::time_point listened_at_{};  // when this rank last read it
  std::chrono::milliseconds stood_still_{0};             // length of the last pause between two heartbeats
  uint64_t number_ = 0;
};

}  // namespace lodestone::distributed
