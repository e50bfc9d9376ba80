#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/log.h"
#include "trainer/coordinator/faults/child_process.h"
#include "trainer/coordinator/faults/signal_queue.h"

namespace lodestone::coordinator {

/// One attempt of a job: from its start to the end of its first rank.
struct Generation {
  int64_t number = 0;  ///< number of restarts before it
  int world = 1;
};

/// What a Supervisor starts, and when it restarts it.
struct SupervisorOptions {
  int world = 1;
  /// Smallest number of ranks to continue with after ranks are lost; `world`: never continue with fewer.
  int min_world = 1;
  int max_restarts = 3;
  std::chrono::milliseconds pause{1000};
  std::chrono::milliseconds longest_pause{60'000};
  /// Pause before a restart after `fruitless` consecutive attempts without a new checkpoint: none after the
  /// first, `pause` after the second, then doubled each time up to `longest_pause`.
  std::chrono::milliseconds pause_after(int fruitless) const;
  /// The signal that makes the job save and stop, sent instead of SIGTERM and SIGINT; 0: those signals
  /// themselves. mpirun forwards SIGUSR1 and keeps running; on SIGTERM it kills its ranks a second later.
  int stop_signal = 0;
  /// An environment variable that ranks have and their launcher does not; empty: unknown. A
  /// launcher whose ranks on this host have all ended is killed after `last_words`: it may be
  /// waiting for a host that is lost.
  std::string rank_variable;
  std::chrono::milliseconds last_words{10'000};
  std::function<ChildCommand(const Generation&)> command;
  /// The step of the newest checkpoint; nullopt if there is none.
  std::function<std::optional<int64_t>()> newest_checkpoint;
  /// Number of ranks that the responding hosts can run; null: all.
  std::function<int()> ranks_left;
};

/// How long after the repetition of a stop signal the next follows: soon at first, while ranks start that
/// mpirun did not pass the signal to, and seldom once they save.
std::chrono::milliseconds repeats_stop_after(std::chrono::steady_clock::duration since_first);

/// Runs a job and restarts it when it ends in a way that a restart can cure. Exit codes 0, 2, 3, 5 and 75 end
/// the supervision, and so does a second exit code 1 without a new checkpoint in between, since the same
/// failure would repeat. Each attempt has the environment variables LODESTONE_GENERATION, its number, and
/// LODESTONE_JOB_TOKEN, a random secret that all attempts of the job share. Processes of the previous attempt
/// that are left on this host are killed before the next one starts.
///
/// With min_world < world, an attempt has as many ranks as ranks_left() returns, and one fewer
/// after every two consecutive attempts without a new checkpoint, since the device or memory
/// of one rank may be what fails.
///
/// Signals during run(): TERM, INT and USR1 make the job save and stop, and no further attempt starts. A
/// second TERM or INT kills the job. USR2 is forwarded. HUP is ignored.
class Supervisor {
 public:
  Supervisor(SupervisorOptions options, Log log);
  /// Returns the exit code of the job. It is 4 (peer lost) if a signal ended a rank under a launcher, and 75
  /// (stopped, resumable) if a stop signal ended the job before its ranks had installed handlers, or ended it
  /// without an exit code of its own while there is a checkpoint to continue from.
  /// Requires  a process without other threads
  /// Throws    IoError if the command cannot be started
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
  /// Largest number of ranks to start.
  int ceiling_ = 1;
  /// The first signal that requested a stop.
  std::optional<int> stop_;
  /// When the job next gets the signal to stop, and when it got it first.
  std::chrono::steady_clock::time_point pass_at_{}, passed_first_{};
  std::optional<int> killed_by_;
  std::chrono::steady_clock::time_point started_{}, kill_at_ = std::chrono::steady_clock::time_point::max();
  /// When ranks were last seen on this host.
  std::optional<std::chrono::steady_clock::time_point> ranks_seen_;
  /// Consecutive attempts without a new checkpoint.
  int fruitless_ = 0;
  int last_code_ = 0;
};

}  // namespace lodestone::coordinator
