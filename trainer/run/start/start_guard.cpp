#include "trainer/run/start/start_guard.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <initializer_list>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/exit_code.h"
#include "common/host_name.h"
#include "trainer/coordinator/faults/process_table.h"

namespace lodestone::run {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr milliseconds kBetweenLooks{200};
constexpr milliseconds kToEnd{2000};
constexpr unsigned long long kFirstStepWithoutRanks =
    0xFFFFFFF0;  // salloc's shell, batch script, extern step

// A signal reaches a stopped process when it is continued, before anything else runs.
int end_signal() {
  return SIGRTMIN + 7;
}

void end_rank(int) {
  ::_exit(kPeerLost);
}

void print_error(const std::string& text) {
  const std::string line =
      "lodestone: error: launch: before all ranks were connected, " + text + "; start the job again\n";
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) ::_exit(1);
}

void notify_slurm(const std::string& step, int signal) {
  const std::string option = "--signal=" + std::to_string(signal);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int nothing = ::open("/dev/null", O_WRONLY);  // a step that has ended meanwhile is no error
    if (nothing >= 0) ::dup2(nothing, STDERR_FILENO);
    ::execlp("scancel", "scancel", "--quiet", option.c_str(), step.c_str(), nullptr);
    ::_exit(1);
  }
  if (pid > 0) ::waitpid(pid, nullptr, 0);
}

// srun ends a step with a dead rank only with --kill-on-bad-exit. The ranks that wait then end as with a
// stopped one, with kPeerLost.
[[noreturn]] void notify_launcher(const std::string& who) {
  const char* job = std::getenv("SLURM_JOB_ID");
  const char* step = std::getenv("SLURM_STEP_ID");
  // If another launcher (mpirun, torchrun) has started the ranks, the step may contain other jobs.
  for (const char* others : {"OMPI_COMM_WORLD_RANK", "RANK", "TORCHELASTIC_RUN_ID"})
    if (std::getenv(others) != nullptr) ::_exit(0);
  if (job == nullptr || step == nullptr || std::strtoull(step, nullptr, 10) >= kFirstStepWithoutRanks)
    ::_exit(0);
  if (!who.empty()) print_error(who + " is lost: its process has ended");
  const std::string name = std::string(job) + "." + step;
  ::signal(end_signal(), SIG_IGN);  // Slurm sends it to all processes of the step
  notify_slurm(name, end_signal());
  ::poll(nullptr, 0, static_cast<int>(kToEnd.count()));
  notify_slurm(name, SIGKILL);
  ::_exit(0);
}

[[noreturn]] void end_stopped(pid_t rank, const std::string& who, milliseconds stopped, int over) {
  print_error(who + " is lost: stopped for " + std::to_string(stopped.count()) + " ms");
  ::kill(rank, end_signal());
  ::kill(rank, SIGCONT);
  pollfd watched{over, POLLIN, 0};
  if (::poll(&watched, 1, static_cast<int>(kToEnd.count())) == 0) ::kill(rank, SIGKILL);
  notify_launcher("");
}

[[noreturn]] void guard(pid_t rank, const std::string& who, milliseconds patience, int over) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) ::signal(signal, SIG_IGN);
  milliseconds stopped{0};
  auto looked_at = Clock::now();
  for (;;) {
    pollfd watched{over, POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(kBetweenLooks.count())) > 0) {
      char all_present = 0;
      if (::read(over, &all_present, 1) == 1) ::_exit(0);
      notify_launcher(who);
    }
    // Time during which this process was stopped too does not count.
    const auto pause = std::chrono::duration_cast<milliseconds>(Clock::now() - looked_at);
    looked_at += pause;
    stopped =
        coordinator::state_of(rank) == 'T' ? stopped + std::min(pause, 2 * kBetweenLooks) : milliseconds(0);
    if (stopped > patience) end_stopped(rank, who, stopped, over);
  }
}

}  // namespace

StartGuard::StartGuard(const std::string& rank, milliseconds patience) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;  // without a pipe the rank starts without a guard
  const std::string who = "rank " + rank + " on " + host_name();
  const pid_t self = ::getpid();
  ::signal(end_signal(), end_rank);
  guard_ = ::fork();
  if (guard_ == 0) {
    ::close(ends[1]);
    guard(self, who, patience, ends[0]);
  }
  ::close(ends[0]);
  over_ = ends[1];
}

StartGuard::~StartGuard() {
  if (over_ < 0) return;
  const char all_present = 1;
  const bool written = ::write(over_, &all_present, 1) == 1;
  ::close(over_);
  if (guard_ > 0 && written) ::waitpid(guard_, nullptr, 0);
  ::signal(end_signal(), SIG_DFL);
}

}  // namespace lodestone::run
