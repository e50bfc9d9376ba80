#include "trainer/coordinator/faults/signals.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "trainer/coordinator/faults/end_on_signal.h"

namespace lodestone {
using namespace coordinator;
namespace {

constexpr int kStopped = 75;

// Runs in the child: says 'r' when it listens and 's' when a stop was asked for; leaves when its input
// closes.
[[noreturn]] void child_main(int input, int output) {
  const StopSignals signals;
  bool reported = false;
  if (::write(output, "r", 1) != 1) ::_exit(1);
  for (;;) {
    if (signals.stop_requested() && !reported) {
      reported = ::write(output, "s", 1) == 1;
    }
    // Woken by its input or, at the latest, in a moment, for a signal that came just before the call.
    pollfd waited{input, POLLIN, 0};
    char byte = 0;
    if (::poll(&waited, 1, 5) == 1 && ::read(input, &byte, 1) == 0)
      ::_exit(signals.stop_requested() ? kStopped : 0);
  }
}

class Child {
 public:
  Child() {
    int to[2];
    int from[2];
    if (::pipe(to) != 0 || ::pipe(from) != 0) throw Error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(to[1]);
      ::close(from[0]);
      child_main(to[0], from[1]);
    }
    ::close(to[0]);
    ::close(from[1]);
    input_ = to[1];
    output_ = from[0];
    EXPECT_EQ(next(), 'r');
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    if (input_ >= 0) ::close(input_);
    ::close(output_);
  }

  void send(int signal) const { ::kill(pid_, signal); }
  // What the child says next, within ten seconds.
  char next() const {
    pollfd waited{output_, POLLIN, 0};
    char said = 0;
    return ::poll(&waited, 1, 10'000) == 1 && ::read(output_, &said, 1) == 1 ? said : '-';
  }
  // Lets it finish, if it still runs, and returns its exit status.
  int exit_status(bool close_input = true) {
    if (close_input) {
      ::close(input_);
      input_ = -1;
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

TEST(Signals, NoneAsksForNoStop) {
  Child child;
  EXPECT_EQ(child.exit_status(), 0);
}

TEST(Signals, EachAsksForAStop) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP}) {
    Child child;
    child.send(signal);
    EXPECT_EQ(child.next(), 's');
    EXPECT_EQ(child.exit_status(), kStopped);
  }
}

TEST(Signals, TheSecondExitsAtOnce) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    Child child;
    child.send(SIGTERM);
    EXPECT_EQ(child.next(), 's');
    child.send(signal);
    EXPECT_EQ(child.exit_status(false), 128 + signal);
  }
}

TEST(Signals, AHangupThatIsIgnoredStaysSo) {
  ::signal(SIGHUP, SIG_IGN);
  Child child;
  ::signal(SIGHUP, SIG_DFL);
  child.send(SIGHUP);
  EXPECT_EQ(child.exit_status(), 0);
}

TEST(EndOnSignal, EndsWith128AndTheSignalUnlessItIsIgnored) {
  const auto status_after = [](int signal, bool ignored) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::signal(signal, ignored ? SIG_IGN : SIG_DFL);
      const EndOnSignal ending;
      ::raise(signal);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  };
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    EXPECT_EQ(status_after(signal, false), 128 + signal);
    EXPECT_EQ(status_after(signal, true), 0);
  }
}

TEST(EndOnSignal, HandlersThatAreThereComeBack) {
  struct sigaction before {};
  struct sigaction after {};
  ::sigaction(SIGTERM, nullptr, &before);
  { const EndOnSignal ending; }
  ::sigaction(SIGTERM, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

TEST(Signals, AnEarlyNoticeDoesNotCountAsTheFirst) {
  Child child;
  child.send(SIGUSR1);
  EXPECT_EQ(child.next(), 's');
  child.send(SIGUSR1);
  child.send(SIGTERM);
  EXPECT_EQ(child.exit_status(), kStopped);
}

TEST(Signals, FormerHandlersComeBack) {
  struct sigaction before {};
  struct sigaction after {};
  ::sigaction(SIGTERM, nullptr, &before);
  {
    const StopSignals signals;
    EXPECT_THROW(StopSignals(), Error);
    ::raise(SIGUSR1);
    EXPECT_EQ(signals.signal(), SIGUSR1);
  }
  ::sigaction(SIGTERM, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
  const StopSignals again;
  EXPECT_FALSE(again.stop_requested());
  EXPECT_EQ(again.signal(), 0);
}

}  // namespace
}  // namespace lodestone
