#include "trainer/coordinator/faults/supervisor.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/counted.h"
#include "common/exit_code.h"
#include "distributed/control/seal.h"
#include "trainer/coordinator/faults/line_relay.h"
#include "trainer/coordinator/faults/process_table.h"

namespace lodestone::coordinator {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

// A job that has put up no handler for the stop by this age never will.
constexpr milliseconds kStartTime{1000};
constexpr milliseconds kPollInterval{50};
// mpirun passes the stop on to the ranks that it has started by then, and forgets it. When a rank has ended
// with 75 it ends the others, with pauses of a second that a signal cuts short.
constexpr milliseconds kQuickRepeat{100}, kSlowRepeat{1000};
constexpr milliseconds kEndOnTerm{2000};
// A restart would end with these again.
constexpr std::array<int, 5> kFinalCodes{kDone, kBadUsage, kBadData, kCheckpointUnusable, kStoppedResumable};

std::string describe(int code) {
  if (code <= 128 || code > 192) return "exit code " + std::to_string(code);
  return "exit code " + std::to_string(code) + " (" + ::strsignal(code - 128) + ")";
}

}  // namespace

Supervisor::Supervisor(SupervisorOptions options, Log log)
    : options_(std::move(options)),
      log_(std::move(log)),
      token_(distributed::random_token()),
      signals_({SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP, SIGCHLD}) {
  generation_.world = ceiling_ = options_.world;
}

std::optional<int64_t> Supervisor::newest() const {
  return options_.newest_checkpoint ? options_.newest_checkpoint() : std::nullopt;
}

int Supervisor::run() {
  for (;;) {
    const auto before = newest();
    const int code = choose_world() ? run_generation() : kPeerLost;
    if (!restarts_after(code, newest() > before)) return final_code(code);
    ++generation_.number;
    pause();
    if (stop_) return final_code(code);
    const auto step = newest();
    log_->warn("the job ended with {}; restart {} of at most {}, {}", describe(code), generation_.number,
               options_.max_restarts, step ? "from step " + std::to_string(*step) : "from the beginning");
  }
}

int Supervisor::run_generation() {
  ChildCommand command = options_.command(generation_);
  command.environment["LODESTONE_GENERATION"] = std::to_string(generation_.number);
  std::optional<LineRelay> relay;
  if (command.logs_errors) command.error_fd = relay.emplace(log_).writing_end();
  ChildProcess job(command, "LODESTONE_JOB_TOKEN=" + token_);
  started_ = Clock::now();
  ranks_seen_.reset();
  std::optional<int> code;
  while (!(code = job.ended())) {
    const auto signal = signals_.next(stop_ || killed_by_ ? kPollInterval : milliseconds(1000));
    if (signal) on_signal(*signal, job);
    pass_stop_on(job);
    if (Clock::now() > kill_at_) job.kill_all();
    if (!launcher_is_stuck(job)) continue;
    log_->warn("all ranks of this host have ended and mpirun has not: killing it");
    job.kill_all();
    code = kPeerLost;
    break;
  }
  if (const int left = job.kill_all())
    log_->warn("killed {} that outlived the job's end", counted(left, "process", "processes"));
  return *code;
}

void Supervisor::on_signal(int signal, ChildProcess& job) {
  if (signal == SIGUSR2 && catches(job.pid(), SIGUSR2)) job.send(SIGUSR2);
  if (signal == SIGCHLD || signal == SIGHUP || signal == SIGUSR2) return;
  const bool second = stop_ && *stop_ != SIGUSR1 && signal != SIGUSR1;
  if (second && !killed_by_) {
    log_->warn("a second signal: killing the job");
    killed_by_ = signal;
    kill_at_ = Clock::now() + kEndOnTerm;
    job.send(SIGTERM);
  }
  if (!stop_ || *stop_ == SIGUSR1) stop_ = signal;
}

void Supervisor::pass_stop_on(ChildProcess& job) {
  const auto now = Clock::now();
  if (!stop_ || now < pass_at_) return;
  // It would end mpirun, or a shell, whose handlers are not up yet.
  if (now - started_ < kStartTime && !catches(job.pid(), passed_stop())) return;
  if (pass_at_ == Clock::time_point()) {
    log_->info("signal {}: the job saves and stops", *stop_);
    passed_first_ = now;
  }
  job.send(passed_stop());
  // A rank counts SIGUSR1 as often as it comes as one stop, but a second SIGTERM kills it.
  pass_at_ =
      passed_stop() == SIGUSR1 ? now + repeats_stop_after(now - passed_first_) : Clock::time_point::max();
}

int Supervisor::passed_stop() const {
  return options_.stop_signal != 0 ? options_.stop_signal : *stop_;
}

bool Supervisor::launcher_is_stuck(const ChildProcess& job) {
  if (options_.rank_variable.empty()) return false;
  if (job.count(options_.rank_variable) > 0) ranks_seen_ = Clock::now();
  return ranks_seen_ && Clock::now() - *ranks_seen_ > options_.last_words;
}

bool Supervisor::restarts_after(int code, bool progress) {
  const bool same_failure = code == kRunFailed && last_code_ == kRunFailed && !progress;
  fruitless_ = progress ? 1 : fruitless_ + 1;
  last_code_ = code;
  if (stop_ || std::find(kFinalCodes.begin(), kFinalCodes.end(), code) != kFinalCodes.end()) return false;
  if (same_failure) log_->error("the job failed twice without a new checkpoint in between: not restarted");
  if (generation_.number == options_.max_restarts && options_.max_restarts > 0)
    log_->error("the job ended with {} after {}: not restarted", describe(code),
                counted(generation_.number, "restart"));
  return !same_failure && generation_.number < options_.max_restarts;
}

int Supervisor::final_code(int code) const {
  if (killed_by_) return 128 + *killed_by_;
  // The stop ended a rank that had not installed its handlers yet.
  if (stop_ && code == 128 + passed_stop()) return kStoppedResumable;
  if (stop_ && code != kDone &&
      std::find(kFinalCodes.begin(), kFinalCodes.end(), code) == kFinalCodes.end() && newest())
    return kStoppedResumable;
  // mpirun returns 128 + signal for a rank that a signal ended.
  const bool rank_died = !stop_ && !options_.rank_variable.empty() && code > 128;
  return rank_died ? kPeerLost : code;
}

// Returns false if too few ranks are left.
bool Supervisor::choose_world() {
  if (options_.min_world >= options_.world) return true;
  const int left = options_.ranks_left ? options_.ranks_left() : options_.world;
  if (left < options_.min_world) {
    log_->warn("the hosts that answer can run {}, and at least {} are required", counted(left, "rank"),
               options_.min_world);
    return false;
  }
  if (fruitless_ > 0 && fruitless_ % 2 == 0) ceiling_ = std::max(options_.min_world, generation_.world - 1);
  const int world = std::min(left, ceiling_);
  if (world != generation_.world)
    log_->warn("continuing with {} in place of {}", counted(world, "rank"), generation_.world);
  generation_.world = world;
  return true;
}

milliseconds repeats_stop_after(Clock::duration since_first) {
  return since_first < kStartTime ? kQuickRepeat : kSlowRepeat;
}

milliseconds SupervisorOptions::pause_after(int fruitless) const {
  if (fruitless < 2) return milliseconds(0);
  const int doublings = std::min(fruitless - 2, 20);
  return std::min(longest_pause, pause * (int64_t{1} << doublings));
}

void Supervisor::pause() {
  const auto until = Clock::now() + options_.pause_after(fruitless_);
  while (Clock::now() < until && !stop_) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now()) + milliseconds(1);
    const auto signal = signals_.next(left);
    if (signal && (*signal == SIGTERM || *signal == SIGINT || *signal == SIGUSR1)) stop_ = *signal;
  }
}

}  // namespace lodestone::coordinator
