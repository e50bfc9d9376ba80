#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/log.h"
#include "trainer/coordinator/faults/child_process.h"
#include "trainer/coordinator/faults/signal_queue.h"

namespace lodestone {

/// One life of a job: from its start to the end of its first rank.
struct Generation {
  int64_t number = 0;  ///< restarts before it
  int world = 1;
};

struct SupervisorOptions {
  int world = 1;
  int min_world =
      1;  ///< smaller than world: go on with the ranks that are left, as long as there are that many
  int max_restarts = 3;
  std::chrono::milliseconds pause{1000};
  std::chrono::milliseconds longest_pause{60'000};
  /// Before a restart, when so many lives in a row have left no new checkpoint: none after the first, `pause` after the second, then
  /// doubling up to `longest_pause`.
  std::chrono::milliseconds pause_after(int fruitless) const;
  /// The signal that makes the job save and stop, sent in place of SIGTERM and SIGINT; 0: those themselves. mpirun passes
  /// SIGUSR1 on and lives; on SIGTERM it kills its ranks a second later.
  int stop_signal = 0;
  /// What the environment of ranks holds and that of their launcher does not; empty: unknown. A launcher whose ranks on this
  /// host have all ended is given `last_words` to end too: it may be waiting for a host that is gone.
  std::string rank_variable;
  std::chrono::milliseconds last_words{10'000};
  std::function<ChildCommand(const Generation&)> command;
  /// The step of the newest checkpoint; none if there is none.
  std::function<std::optional<int64_t>()> newest_checkpoint;
  /// How many ranks the hosts that answer can run; null: all.
  std::function<int()> ranks_left;
};

/// Runs a job and starts it again when it ends in a way that a new start can cure. Exit codes 0, 2, 3, 5 and 75 end the
/// supervision, and so does a second 1 without a new checkpoint in between: the same would happen again. Each life of the job
/// has LODESTONE_GENERATION, its number, and LODESTONE_JOB_TOKEN, a random word that all lives share and nobody else knows.
/// Before a new life begins, what this host still runs of the one before is killed.
///
/// With min_world < world, a life has as many ranks as ranks_left() says, and one fewer after each two lives in a row
/// without a new checkpoint, since what ended them may be a rank's own device or memory.
///
/// Signals while run() is at work: TERM, INT and USR1 make the job save and stop; no new life begins. A second TERM or INT
/// kills it. USR2 is passed on. HUP is ignored.
class Supervisor {
 public:
  Supervisor(SupervisorOptions options, Log log);
  /// Returns the job's exit code; 4, a peer lost, where a signal ended a rank under a launcher. A job that a stop signal ended before its
  /// ranks had handlers for it is 75, and so is any other that it ended without a code of its own if there is a checkpoint to go on
  /// from. Requires a process without threads. Throws IoError if the command cannot be started.
  int run();

 private:
  int run_generation();
  void on_signal(int signal, ChildProcess& job);
  void pass_stop_on(ChildProcess& job);
  int passed_stop() const;
  bool launcher_is_stuck(const ChildProcess& job);
  bool restarts_after(int code, bool progress);
  int final_code(int code) const;
  bool choose_world();
  void pause();
  std::optional<int64_t> newest() const;

  SupervisorOptions options_;
  Log log_;
  std::string token_;
  SignalQueue signals_;
  Generation generation_;
  int ceiling_ = 1;          ///< ranks to start at most
  std::optional<int> stop_;  ///< the first signal that asked for it
  bool stop_passed_on_ = false;
  std::optional<int> killed_by_;
  std::chrono::steady_clock::time_point started_{}, kill_at_ = std::chrono::steady_clock::time_point::max();
  std::optional<std::chrono::steady_clock::time_point> ranks_seen_;  ///< on this host, last
  int fruitless_ = 0;  ///< lives in a row without a new checkpoint
  int last_code_ = 0;
};

}  // namespace lodestone
