#include "trainer/coordinator/checkpoints/retention.h"

#include <fstream>

#include <gmock/gmock.h>

#include "common/files.h"
#include "tests/coordinator/snapshots.h"

namespace lodestone {
using namespace coordinator;
namespace {

using ::testing::ElementsAre;
using testing::info_for;
using testing::small_snapshot;

class RetentionTest : public ::testing::Test {
 protected:
  void save(int64_t step, std::optional<double> recall = {}) {
    SaveInfo info = info_for(step);
    info.retention = retention_;
    if (recall) info.metrics["recall_at_1"] = *recall;
    save_checkpoint(root_.path(), small_snapshot(step), info);
  }
  std::vector<int64_t> steps() const {
    std::vector<int64_t> all;
    for (const auto& path : list_checkpoints(root_.path())) all.push_back(verify_checkpoint(path).step);
    return all;
  }

  TempFolder root_;
  Retention retention_;
};

TEST_F(RetentionTest, TheBestStayHoweverOld) {
  retention_.keep_last = 1;
  retention_.keep_best.count = 2;
  save(1, 0.5);
  save(2, 0.9);
  save(3, 0.7);
  EXPECT_THAT(steps(), ElementsAre(3, 2));
  save(4);
  EXPECT_THAT(steps(), ElementsAre(4, 3, 2));
  save(5, 0.7);
  save(6, 0.1);
  EXPECT_THAT(steps(), ElementsAre(6, 5, 2)) << "of two that are alike the later one stays";
  EXPECT_EQ(verify_checkpoint(root_.path() / "step-00000002").metrics.at("recall_at_1"), 0.9);
}

TEST_F(RetentionTest, TheBestMayBeTheSmallest) {
  retention_.keep_last = 1;
  retention_.keep_best = {"recall_at_1", Best::kMin, 1};
  save(1, 0.5);
  save(2, 0.3);
  save(3, 0.4);
  EXPECT_THAT(steps(), ElementsAre(3, 2));
}

TEST_F(RetentionTest, MultiplesOfKeepEveryStay) {
  retention_.keep_last = 2;
  retention_.keep_every = 4;
  for (int64_t step = 2; step <= 14; step += 2) save(step);
  EXPECT_THAT(steps(), ElementsAre(14, 12, 8, 4));
}

TEST_F(RetentionTest, ADamagedOneIsNeverTheBest) {
  retention_.keep_last = 1;
  retention_.keep_best.count = 1;
  save(1, 0.9);
  std::ofstream(root_.path() / "step-00000001" / "MANIFEST.json") << "{}";
  save(2, 0.1);
  save(3, 0.05);
  EXPECT_THAT(steps(), ElementsAre(3, 2));
}

TEST_F(RetentionTest, LaterOnesThanTheNewOneNeitherCountNorGo) {
  retention_.keep_last = 2;
  for (const int64_t step : {2, 4, 9}) save(step, 0.5);
  retention_.keep_best.count = 1;
  std::ofstream(root_.path() / "step-00000009" / "model.safetensors") << "damaged";
  save(5, 0.1);
  EXPECT_THAT(steps(), ElementsAre(9, 5, 4));
  save(6, 0.2);
  EXPECT_THAT(steps(), ElementsAre(9, 6, 5, 4));  // 4 is the best
}

TEST_F(RetentionTest, NothingIsDeletedIfTheNewOneFails) {
  retention_.keep_last = 1;
  save(1);
  Snapshot bad = small_snapshot(2);
  bad.tensors["model"]["undefined"] = at::Tensor();
  EXPECT_THROW(save_checkpoint(root_.path(), bad, info_for(2)), CheckpointError);
  EXPECT_THAT(steps(), ElementsAre(1));
}

}  // namespace
}  // namespace lodestone
