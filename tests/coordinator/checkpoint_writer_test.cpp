#include "trainer/coordinator/checkpoints/checkpoint_writer.h"

#include <future>

#include <gmock/gmock.h>

#include "common/files.h"
#include "tests/coordinator/snapshots.h"

namespace lodestone {
using namespace coordinator;
namespace {

using std::chrono::seconds;
using testing::info_for;
using testing::small_snapshot;

TEST(CheckpointWriter, SavesWhileTheCallerContinues) {
  const TempFolder root;
  CheckpointWriter writer;
  std::promise<void> go;
  auto images = std::make_shared<FileImages>();
  images->fill(small_snapshot(3).tensors);
  writer.start(3, [&, images, wait = go.get_future().share()] {
    wait.wait();
    return save_checkpoint(root.path(), *images, small_snapshot(3).state, info_for(3));
  });
  EXPECT_TRUE(writer.busy());
  EXPECT_FALSE(writer.take());
  EXPECT_FALSE(writer.wait(std::chrono::milliseconds(1)));
  EXPECT_THROW(writer.start(4, [] { return SavedCheckpoint(); }), Error);
  EXPECT_TRUE(list_checkpoints(root.path()).empty());
  go.set_value();
  ASSERT_TRUE(writer.wait(seconds(60)));
  const auto outcome = writer.take();
  ASSERT_TRUE(outcome && outcome->saved);
  EXPECT_EQ(outcome->step, 3);
  EXPECT_FALSE(writer.take());
  testing::expect_same(load_checkpoint(root.path()).snapshot, small_snapshot(3));
}

TEST(CheckpointWriter, AFailureIsAnOutcome) {
  CheckpointWriter writer;
  EXPECT_TRUE(writer.wait(seconds(0)));
  writer.start(5, []() -> SavedCheckpoint { throw IoError("files: the disk is full"); });
  ASSERT_TRUE(writer.wait(seconds(60)));
  const auto outcome = writer.take();
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->saved);
  EXPECT_THAT(outcome->problem, ::testing::HasSubstr("the disk is full"));
  writer.start(6, [] { return SavedCheckpoint(); });
  EXPECT_TRUE(writer.wait(seconds(60)));
}

TEST(FileImages, AreTheBytesOfTheFilesAndUseTheirMemoryAgain) {
  FileImages images;
  images.fill(small_snapshot(1).tensors);
  const void* buffer = images.images().at("model").buffer.const_data_ptr();
  Snapshot second = small_snapshot(2);
  second.tensors["model"]["strided"] = at::arange(6, at::kFloat).reshape({2, 3}).t();
  second.tensors["model"].erase("conv.weight");
  images.fill(second.tensors);
  EXPECT_EQ(images.images().at("model").buffer.const_data_ptr(), buffer);
  for (const auto& [group, tensors] : second.tensors)
    EXPECT_EQ(images.images().at(group).bytes(), encode_safetensors(tensors)) << group;
  second.tensors.erase("optimizer");
  images.fill(second.tensors);
  EXPECT_FALSE(images.images().contains("optimizer"));
}

TEST(FileImages, ChangesBehindFillDoNotReachThem) {
  Snapshot snapshot = small_snapshot(1);
  FileImages images;
  images.fill(snapshot.tensors);
  const std::string before(images.images().at("model").bytes());
  snapshot.tensors["model"]["conv.weight"].zero_();
  EXPECT_EQ(images.images().at("model").bytes(), before);
}

}  // namespace
}  // namespace lodestone
