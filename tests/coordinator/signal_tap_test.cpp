#include "trainer/coordinator/faults/signal_tap.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "trainer/coordinator/faults/signals.h"

namespace lodestone {
using namespace coordinator;
namespace {

using std::chrono::milliseconds;

TEST(SignalTap, hears_and_lets_the_former_handler_do_its_work) {
  const StopSignals stop;
  SignalTap tap;
  EXPECT_EQ(tap.heard(milliseconds(0)), 0);
  ::raise(SIGTERM);
  EXPECT_EQ(tap.heard(milliseconds(0)), SIGTERM);
  EXPECT_TRUE(stop.stop_requested());
  EXPECT_EQ(tap.heard(milliseconds(0)), 0);
}

TEST(SignalTap, usr2_is_heard_and_ends_nothing) {
  SignalTap tap;
  ::raise(SIGUSR2);
  EXPECT_EQ(tap.heard(milliseconds(0)), SIGUSR2);
}

TEST(SignalTap, wake_ends_a_wait_without_a_signal) {
  SignalTap tap;
  tap.wake();
  EXPECT_EQ(tap.heard(milliseconds(60'000)), 0);
}

TEST(SignalTap, former_handlers_come_back_and_there_is_one) {
  struct sigaction before {};
  struct sigaction after {};
  ::sigaction(SIGUSR2, nullptr, &before);
  {
    const SignalTap tap;
    EXPECT_THROW(SignalTap(), Error);
  }
  ::sigaction(SIGUSR2, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

}  // namespace
}  // namespace lodestone
