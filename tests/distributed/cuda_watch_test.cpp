// What ends a group's calls on a GPU, with a backend that stands in for NCCL.
#include "distributed/transport/cuda_watch.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "common/error.h"
#include "distributed/group.h"
#include "distributed/transport/group_state.h"
#include "distributed/transport/pending_op.h"

namespace lodestone {
using namespace distributed;
namespace {

class Nccl : public c10d::Backend {
 public:
  Nccl() : c10d::Backend(0, 2) {}
  void abort() override { ++aborts; }
  void shutdown() override { ++shutdowns; }
  std::atomic<int> aborts{0}, shutdowns{0};
};

struct Job {
  std::shared_ptr<GroupContext> context = std::make_shared<GroupContext>(0, nullptr);
  c10::intrusive_ptr<Nccl> nccl = c10::make_intrusive<Nccl>();

  std::shared_ptr<GroupState> group() const {
    auto state = std::make_shared<GroupState>();
    state->members.context = context;
    state->cuda = nccl;
    context->add_cuda_group(state);
    return state;
  }

  bool aborted_within_seconds(int seconds) const {
    for (int i = 0; i < 100 * seconds && nccl->aborts == 0; ++i) ::poll(nullptr, 0, 10);
    return nccl->aborts > 0;
  }
};

TEST(CudaWatch, AbortsWhatIsUnderWayOnceTheJobHasFailed) {
  const Job job;
  const auto group = job.group();
  const CudaWatch watch(job.context);
  EXPECT_EQ(job.nccl->aborts, 0);
  job.context->fail("rank 1 is lost");
  EXPECT_TRUE(job.aborted_within_seconds(30));
  EXPECT_THROW(Group(group).check("gradient_sync"), CommError);
}

// As NCCL's abort waits for the device.
class Waiting : public Nccl {
 public:
  explicit Waiting(const Nccl& other) : other_(other) {}
  void abort() override {
    for (int i = 0; i < 3000 && other_.aborts == 0; ++i) ::poll(nullptr, 0, 10);
    if (other_.aborts > 0) ++aborts;
  }

 private:
  const Nccl& other_;
};

TEST(CudaWatch, AGroupWhoseAbortWaitsForAnothersDoesNotKeepItFromThat) {
  const Job last;
  Job first{last.context, c10::make_intrusive<Waiting>(*last.nccl)};
  const auto waiting = first.group(), group = last.group();
  const CudaWatch watch(last.context);
  last.context->fail("rank 1 is lost");
  EXPECT_TRUE(first.aborted_within_seconds(20));
}

class NeverDone : public c10d::Work {
 public:
  bool isCompleted() override { return false; }
};

TEST(CudaWatch, ACallOnAGpuThatIsNeverDoneIsLateAndAbortsItsGroup) {
  const Job job;
  const auto group = job.group();
  group->members.options.timeout = std::chrono::milliseconds(1);
  NeverDone work;
  try {
    await_on_cuda(*group, "gradient_sync", work, Clock::now(), 0);
    ADD_FAILURE() << "it returned";
  } catch (const CommError& error) {
    EXPECT_NE(std::string(error.what()).find("not all ranks arrived within 1 ms"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(job.nccl->aborts, 1);
}

TEST(CudaWatch, LeavesAWholeJobAloneAndForgetsGroupsThatAreGone) {
  const Job job;
  {
    const CudaWatch watch(job.context);
    auto group = job.group();
    ::poll(nullptr, 0, 350);  // it looks every 100 ms
    EXPECT_EQ(job.nccl->aborts, 0);
    group.reset();
    EXPECT_EQ(job.nccl->shutdowns, 1) << "a group ends NCCL in order";
    EXPECT_TRUE(job.context->cuda_groups().empty());
  }
  EXPECT_EQ(job.nccl->aborts, 0);
}

TEST(CudaWatch, AGroupOfAFailedJobAbortsInPlaceOfShuttingDown) {
  const Job job;
  auto group = job.group();
  job.context->fail("rank 1 is lost");
  group.reset();
  EXPECT_EQ(job.nccl->aborts, 1);
  EXPECT_EQ(job.nccl->shutdowns, 0);
}

}  // namespace
}  // namespace lodestone
