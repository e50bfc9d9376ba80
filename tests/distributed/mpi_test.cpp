// The shared suite over MPI: this program is every rank of one job, `mpirun -n N mpi_test`. Without mpirun it
// is a world of one.

#include <memory>
#include <string>
#include <string_view>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "collectives.h"
#include "common/error.h"
#include "distributed/launch.h"

namespace lodestone::testing {
using namespace distributed;
namespace {

std::unique_ptr<Launch> launch;

class MpiCollectives : public ::testing::TestWithParam<CollectiveCase> {};

TEST_P(MpiCollectives, hold) {
  try {
    GetParam().body(launch->world());
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
    launch->world().abort(error.what());  // else the other ranks wait for this one
  }
}

INSTANTIATE_TEST_SUITE_P(World, MpiCollectives, ::testing::ValuesIn(all_cases()),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(Mpi, launch_reports_who_and_where) {
  const Group world = launch->world();
  EXPECT_EQ(launch->info().world, world.size());
  EXPECT_EQ(launch->info().rank, world.rank());
  EXPECT_EQ(world.backend(), world.size() == 1 ? "local" : "mpi");
  EXPECT_EQ(world.split_by_host().size(), world.size());
  EXPECT_EQ(world.local_rank(), world.rank());
  EXPECT_TRUE(launch->device().is_cpu());
}

TEST(Mpi, every_rank_writes_heartbeats) {
  const Group world = launch->world();
  if (world.size() == 1) GTEST_SKIP() << "world 1 has no control plane";
  EXPECT_EQ(launch->control()->failure(), std::nullopt);
  const size_t seen = world.rank() == 0 ? static_cast<size_t>(world.size()) : 0;
  EXPECT_EQ(launch->control()->peers().size(), seen);
}

}  // namespace
}  // namespace lodestone::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  lodestone::distributed::LaunchOptions options;
  options.backend = "auto";
  options.group.timeout = std::chrono::seconds(60);
  options.peer_timeout = std::chrono::seconds(20);  // test machines are oversubscribed
  // With --compare calls are compared before each. With --chunk=N these small tensors travel in pieces, as
  // counts beyond MPI's int must.
  const std::string_view chunk = "--chunk=";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--compare") options.group.compare_calls = true;
    if (word.starts_with(chunk)) options.group.max_chunk = std::stoll(std::string(word.substr(chunk.size())));
  }
  lodestone::testing::launch = std::make_unique<lodestone::distributed::Launch>(options);
  if (lodestone::testing::launch->info().rank != 0) {
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
  }
  const int result = RUN_ALL_TESTS();
  lodestone::testing::launch.reset();
  return result;
}
