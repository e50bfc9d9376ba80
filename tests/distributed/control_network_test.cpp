// The control plane over a network that delays, cuts, resets or falls silent between two ranks.
#include <chrono>
#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "distributed/control/control.h"
#include "support/fault_proxy.h"

namespace lodestone::testing {
using namespace distributed;
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Long enough for threads that share two processors with other busy programs.
constexpr milliseconds kPeerTimeout{1500};

class ControlNetwork : public ::testing::Test {
 protected:
  static ControlOptions options_of(int rank, int port) {
    ControlOptions options;
    options.rank = rank;
    options.world = 2;
    options.port = port;
    options.token = "ours";
    options.peer_timeout = kPeerTimeout;
    return options;
  }
  // A rank that was never heard of has a minute to load its libraries: here it has come before the fault
  // does.
  void SetUp() override {
    far_->set_step(1);
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (near_.peers()[1].step != 1 && Clock::now() < deadline) ::poll(nullptr, 0, 2);
    ASSERT_EQ(near_.peers()[1].step, 1);
  }
  // Both ranks know. Usually after the time that silence is borne; the deadline is for a machine that is busy
  // otherwise.
  void expect_both_notice() {
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (!(near_.failure() && far_->failure()) && Clock::now() < deadline) ::poll(nullptr, 0, 2);
    ASSERT_TRUE(near_.failure().has_value());
    ASSERT_TRUE(far_->failure().has_value());
    EXPECT_NE(near_.failure()->find("rank 1 is lost"), std::string::npos) << *near_.failure();
    EXPECT_NE(far_->failure()->find("rank 0 is lost"), std::string::npos) << *far_->failure();
  }
  bool stay_well_for(milliseconds time) {
    for (const auto until = Clock::now() + time; Clock::now() < until; ::poll(nullptr, 0, 2))
      if (near_.failure() || far_->failure()) return false;
    return true;
  }

  ControlPlane near_{options_of(0, 0)};
  FaultProxy proxy_{near_.port()};
  std::unique_ptr<ControlPlane> far_ = std::make_unique<ControlPlane>(options_of(1, proxy_.port()));
};

TEST_F(ControlNetwork, delays_far_below_the_timeout_accuse_nobody) {
  proxy_.set(FaultProxy::Mode::kDelay);
  EXPECT_TRUE(stay_well_for(2 * kPeerTimeout));
  proxy_.set(FaultProxy::Mode::kPass);
  far_.reset();
}

TEST_F(ControlNetwork, a_silence_below_the_timeout_is_forgiven) {
  proxy_.set(FaultProxy::Mode::kHalfOpen);
  EXPECT_TRUE(stay_well_for(kPeerTimeout / 3));
  proxy_.set(FaultProxy::Mode::kPass);
  EXPECT_TRUE(stay_well_for(2 * kPeerTimeout));
  far_.reset();
}

TEST_F(ControlNetwork, connections_that_are_reset_are_noticed_by_both) {
  proxy_.reset();
  expect_both_notice();
}

TEST_F(ControlNetwork, half_open_connections_are_noticed_by_both) {
  proxy_.set(FaultProxy::Mode::kHalfOpen);
  expect_both_notice();
}

TEST_F(ControlNetwork, a_partition_is_noticed_by_both) {
  proxy_.set(FaultProxy::Mode::kPartition);
  expect_both_notice();
}

}  // namespace
}  // namespace lodestone::testing
