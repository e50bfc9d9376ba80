// What ends a group's calls on a GPU, with a backend that stands in for NCCL.
#include "distributed/cuda_watch.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "distributed/transport.h"

namespace lodestone {
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
  EXPECT_THROW(Group(group).check("gradient_sync"), std::exception);
}

TEST(CudaWatch, LeavesAWholeJobAloneAndForgetsGroupsThatAreGone) {
  const Job job;
  {
    const CudaWatch watch(job.context);
    job.group().reset();
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
