// What must hold before the libraries initialise themselves, which takes most of the start: the dynamic
// loader calls begin() first.
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <initializer_list>

#include <unistd.h>

#include "common/exit_code.h"
#include "trainer/commands/stop_signals.h"

namespace lodestone::commands {
namespace {

volatile std::sig_atomic_t g_code = 0;  // 0: 128 + the signal

// Nothing has been begun, so the same command starts again.
void end_early(int signal) {
  ::_exit(g_code != 0 ? g_code : 128 + signal);
}

// Until the ranks can write a flight record.
void pass_over(int) {}

bool trains(int count, char** words) {
  const auto is = [&](int at, const char* word) { return at < count && std::strcmp(words[at], word) == 0; };
  int at = 1;
  if (is(1, "launch"))
    while (at < count && !is(at++, "--")) continue;
  return is(at, "train");
}

// An ignored signal stays ignored, as SIGHUP is under nohup.
void handle(int signal, void (*handler)(int)) {
  struct sigaction former {
  }, action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  if (::sigaction(signal, nullptr, &former) == 0 && former.sa_handler == SIG_DFL)
    ::sigaction(signal, &action, nullptr);
}

// MKL would print an error of its own.
void check_working_folder() {
  char folder[PATH_MAX];
  if (::getcwd(folder, sizeof folder) != nullptr || errno != ENOENT) return;
  constexpr char kRefusal[] =
      "lodestone: error: working folder: expected one that exists, got one that was removed; cd to another "
      "and start again\n";
  // If stderr is closed, the code remains.
  if (::write(STDERR_FILENO, kRefusal, sizeof kRefusal - 1) < 0) ::_exit(kBadUsage);
  ::_exit(kBadUsage);
}

void begin(int count, char** words, char**) {
  check_working_folder();
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) handle(signal, end_early);
  if (trains(count, words)) {
    g_code = kStoppedResumable;
    handle(SIGUSR1, end_early);
    handle(SIGUSR2, pass_over);
  }
  unblock_stop_signals();
}

[[gnu::section(".preinit_array"), gnu::used]] void (*const g_begin)(int, char**, char**) = begin;

}  // namespace
}  // namespace lodestone::commands
