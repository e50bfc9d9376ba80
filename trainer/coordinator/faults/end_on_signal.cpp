#include "trainer/coordinator/faults/end_on_signal.h"

#include <unistd.h>

namespace lodestone::coordinator {

namespace {

constexpr std::array<int, 3> kEnding{SIGTERM, SIGINT, SIGHUP};

void end(int signal) {
  ::_exit(128 + signal);
}

}  // namespace

EndOnSignal::EndOnSignal() {
  struct sigaction action {};
  action.sa_handler = end;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kEnding.size(); ++i) {
    ::sigaction(kEnding[i], nullptr, &former_[i]);
    if (former_[i].sa_handler != SIG_IGN) ::sigaction(kEnding[i], &action, nullptr);
  }
}

EndOnSignal::~EndOnSignal() {
  for (size_t i = 0; i < kEnding.size(); ++i) ::sigaction(kEnding[i], &former_[i], nullptr);
}

}  // namespace lodestone::coordinator
