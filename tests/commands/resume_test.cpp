// A run resumes with classes that have changed meanwhile: what it learned of each follows its name.
#include <functional>
#include <map>

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/resumed.h"
#include "support/run_lines.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;
// What is saved by class: proxies with moments, and class means; or rows of a memory.
const Words kProxies = {"loss.name=normalized_softmax", "miner.name=all",
                        "sampler.name=hard_class",      "sampler.hard_class.cluster=2",
                        "sampler.hard_class.refresh=4", "data.loader.depth=1"};
const Words kMemory = {"loss.name=contrastive", "miner.name=all", "memory.kind=xbm", "memory.size=40"};

/// A checkpoint's rows by the names of their classes.
struct ByClass {
  explicit ByClass(const fs::path& run) : checkpoint(load_checkpoint(run)) {
    const auto& classes = checkpoint.snapshot.tensors.at("classes");
    const at::Tensor text = classes.at("text"), ends = classes.at("ends");
    int64_t from = 0;
    for (int64_t c = 0; c < ends.size(0); ++c) {
      const int64_t to = ends[c].item<int64_t>();
      names.emplace_back(reinterpret_cast<const char*>(text.const_data_ptr<uint8_t>()) + from,
                         static_cast<size_t>(to - from));
      from = to;
    }
  }
  std::map<std::string, at::Tensor> rows(const std::string& group, const std::string& tensor) const {
    std::map<std::string, at::Tensor> rows;
    const at::Tensor x = checkpoint.snapshot.tensors.at(group).at(tensor);
    for (size_t c = 0; c < names.size(); ++c) rows[names[c]] = x[static_cast<int64_t>(c)];
    return rows;
  }
  // Ids of the rows that were pushed up to this step, with the class and group that they are of.
  std::map<int64_t, std::pair<std::string, int64_t>> memory(int64_t last_step) const {
    std::map<int64_t, std::pair<std::string, int64_t>> rows;
    const auto& saved = checkpoint.snapshot.tensors.at("memory");
    const int64_t filled = std::min(saved.at("next").item<int64_t>(), saved.at("key").size(0));
    for (int64_t i = 0; i < filled; ++i) {
      const at::Tensor key = saved.at("key")[i];
      if (key[3].item<int64_t>() <= last_step)
        rows[key[2].item<int64_t>()] = {names.at(static_cast<size_t>(key[0].item<int64_t>())),
                                        key[1].item<int64_t>()};
    }
    return rows;
  }

  Checkpoint checkpoint;
  std::vector<std::string> names;
};

// Resumes for one step that changes no weights, so that every row can be compared with what it was.
constexpr const char *kUntil = "schedule.steps=8", *kOneMore = "schedule.steps=9",
                     *kStill = "optimizer.learning_rate=0";

void expect_rows_to_follow(const ByClass& before, const ByClass& after, const std::string& group,
                           const std::string& tensor) {
  const auto old = before.rows(group, tensor), now = after.rows(group, tensor);
  for (const auto& [name, row] : now)
    if (old.contains(name)) {
      EXPECT_TRUE(at::equal(row, old.at(name))) << tensor << " of " << name;
    }
}

struct Change {
  const char* what;
  std::function<void(const fs::path& images)> make;
  std::string reported;  ///< nothing: not a word of classes
};

void copy_folder(const fs::path& from, const fs::path& to) {
  fs::copy(from, to, fs::copy_options::recursive);
}

const std::vector<Change> kChanges = {
    {"renamed", [](const fs::path& p) { fs::rename(p / "class0", p / "zzz"); },
     "1 of the checkpoint are gone (class0), 1 are new and start from initial values (zzz), 7 of the others "
     "have another number"},
    {"one that sorts first", [](const fs::path& p) { copy_folder(p / "class5", p / "aaa"); },
     "1 are new and start from initial values (aaa), 8 of the others have another number"},
    {"removed", [](const fs::path& p) { fs::remove_all(p / "class2"); },
     "1 of the checkpoint are gone (class2), 5 of the others have another number"},
    {"the last one removed", [](const fs::path& p) { fs::remove_all(p / "class7"); },
     "1 of the checkpoint are gone (class7), 0 of the others have another number"},
    {"swapped names",
     [](const fs::path& p) {
       fs::rename(p / "class1", p / "x");
       fs::rename(p / "class4", p / "class1");
       fs::rename(p / "x", p / "class4");
     },
     ""},
};

void expect_logged(const Finished& done, const Change& change) {
  ASSERT_EQ(done.code, 0) << change.what << done.err;
  if (change.reported.empty()) {
    EXPECT_THAT(done.err, Not(HasSubstr("known by name"))) << change.what;
  } else {
    EXPECT_THAT(done.err, HasSubstr(change.reported)) << change.what;
  }
}

TEST(Resume, ProxiesAndClassMeansFollowTheirClassesNames) {
  for (const int ranks : {1, 2})
    for (const Change& change : kChanges) {
      const Workspace work;
      ASSERT_EQ(train(work, with(kProxies, {kUntil}), ranks).code, 0);
      const ByClass before(work.run());
      change.make(work.path("pictures"));
      expect_logged(train(work, with(kProxies, {kOneMore, kStill}), ranks), change);
      const ByClass after(work.run());
      EXPECT_EQ(after.checkpoint.step, 9);
      expect_rows_to_follow(before, after, "proxies", "value");
      for (const char* tensor : {"directions_now", "directions_next"})
        expect_rows_to_follow(before, after, "sampler", tensor);
      for (const auto& [name, steps] : after.rows("proxies", "steps"))
        EXPECT_EQ(steps.item<int64_t>(), before.rows("proxies", "steps").contains(name) ? 9 : 1) << name;
      if (ranks == 2 && change.reported.empty()) break;
    }
}

// A sample is known by its path, so these data have none of the run's.
void rename_all(const fs::path& images) {
  for (int c = 0; c < 8; ++c)
    fs::rename(images / ("class" + std::to_string(c)), images / ("Class" + std::to_string(c)));
}

TEST(Resume, OtherDataUnderTheSameNameAreRefused) {
  for (const int ranks : {1, 2}) {
    const Workspace work;
    ASSERT_EQ(train(work, with(kProxies, {kUntil}), ranks).code, 0);
    const std::string kept = contents(work.run() / "checkpoints/step-00000008/MANIFEST.json");
    rename_all(work.path("pictures"));
    const Finished refused = train(work, with(kProxies, {kOneMore}), ranks);
    EXPECT_EQ(refused.code, 5) << refused.err;
    EXPECT_THAT(refused.err,
                HasSubstr("expected the data that this run was trained on, got others: of 48 of its samples "
                          "none is there now"));
    EXPECT_THAT(refused.err, HasSubstr("--resume none"));
    EXPECT_EQ(contents(work.run() / "checkpoints/step-00000008/MANIFEST.json"), kept);
    EXPECT_EQ(load_checkpoint(work.run()).step, 8);
    if (ranks == 2) continue;
    // Who names the checkpoint means it.
    const Words named = {
        "--resume", (work.run() / "checkpoints/step-00000008").string(), "--set", kOneMore, "--set", kStill};
    Words command = lodestone({"train", work.config()});
    for (const auto& setting : kProxies) command.insert(command.end(), {"--set", setting});
    const Finished meant = run(with(command, named));
    EXPECT_EQ(meant.code, 0) << meant.err;
    EXPECT_THAT(
        meant.err,
        HasSubstr("8 of the checkpoint are gone (class0, class1, class2, class3, class4, …), 8 are new"));
    EXPECT_EQ(load_checkpoint(work.run()).step, 9);
  }
}

TEST(Resume, DataMayGrowAndShrink) {
  const Workspace work;
  ASSERT_EQ(train(work, {kUntil}).code, 0);
  fs::create_directories(work.path("grown"));
  for (const char* more : {"a", "b", "c"}) copy_folder(work.path("pictures"), work.path("grown") / more);
  for (const char* more : {"a", "b", "c"})
    for (int c = 0; c < 8; ++c)
      fs::rename(work.path("grown") / more / ("class" + std::to_string(c)),
                 work.path("pictures") / (more + std::to_string(c)));
  for (int c = 2; c < 8; ++c) fs::remove_all(work.path("pictures") / ("class" + std::to_string(c)));
  const Finished done = train(work, {kOneMore});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("samples to train on: 48 -> 156"));
}

TEST(Resume, CheckpointsThatNameNoSamplesStillLoad) {
  const Workspace work;
  ASSERT_EQ(train(work, {kUntil}).code, 0);
  Checkpoint checkpoint = load_checkpoint(work.run());
  ASSERT_EQ(checkpoint.snapshot.state["data"]["sample_ids"].size(), 48U);
  checkpoint.snapshot.state["data"].erase("sample_ids");
  fs::remove_all(work.run() / "checkpoints");
  SaveInfo info;
  info.step = checkpoint.step;
  info.config_yaml = checkpoint.config_yaml;
  save_checkpoint(work.run() / "checkpoints", checkpoint.snapshot, info);
  rename_all(work.path("pictures"));
  const Finished done = train(work, {kOneMore});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("samples to train on: as many as before, but not the same"));
}

TEST(Resume, RowsOfAMemoryFollowTheirClassesNames) {
  for (const Change& change : kChanges) {
    const Workspace work;
    const int ranks = &change == kChanges.data() ? 2 : 1;
    ASSERT_EQ(train(work, with(kMemory, {kUntil}), ranks).code, 0);
    const auto before = ByClass(work.run()).memory(8);
    change.make(work.path("pictures"));
    const Finished done = train(work, with(kMemory, {kOneMore, kStill, "memory.size=40"}), ranks);
    expect_logged(done, change);
    const ByClass after(work.run());
    for (const auto& [id, row] : after.memory(7)) {
      EXPECT_EQ(row.first, before.at(id).first) << change.what;
      EXPECT_EQ(after.names.at(static_cast<size_t>(row.second)), row.first) << "alone in its group";
    }
    const bool gone = change.reported.find("are gone") != std::string::npos;
    EXPECT_EQ(done.err.find("rows were dropped, whose classes are gone") != std::string::npos, gone)
        << change.what << done.err;
  }
}

TEST(Resume, LookAlikesOfEqualNamesAreThoseOfToday) {
  const Workspace work;
  const Words settings = with(kMemory, {"memory.size=144"});  // all nine batches
  ASSERT_EQ(train(work, with(settings, {kUntil})).code, 0);
  std::ofstream(work.path("pictures/equivalences.tsv")) << "class6\tsame\nclass1\tsame\n";
  const Finished done = train(work, with(settings, {kOneMore, kStill}));
  ASSERT_EQ(done.code, 0) << done.err;
  std::map<std::string, int64_t> group_of;
  for (const auto& [id, row] : ByClass(work.run()).memory(9)) {
    const auto [known, is_new] = group_of.emplace(row.first, row.second);
    EXPECT_EQ(known->second, row.second) << row.first << ": of one group, whenever it was pushed";
  }
  EXPECT_EQ(group_of.at("class6"), group_of.at("class1"));
}

// Rows that meet another class's proxy cost 40 to 80 each; here one class in eight is new, in batches of
// four.
TEST(Resume, ARenamedClassCostsNoMoreThanItself) {
  const Words settings = {"loss.name=arcface", "miner.name=all", "optimizer.learning_rate=0.01"};
  const auto mean_of_last = [](const Workspace& work) {
    const auto all = losses(work.run());
    double sum = 0;
    for (size_t i = all.size() - 10; i < all.size(); ++i) sum += all[i] / 10;
    return sum;
  };
  const Workspace calm, parts;
  ASSERT_EQ(train(calm, with(settings, {"schedule.steps=120"})).code, 0);
  ASSERT_EQ(train(parts, with(settings, {"schedule.steps=110"})).code, 0);
  fs::rename(parts.path("pictures/class0"), parts.path("pictures/zzz"));
  ASSERT_EQ(train(parts, with(settings, {"schedule.steps=120"})).code, 0);
  EXPECT_LT(mean_of_last(parts), mean_of_last(calm) + 20);
}

TEST(Resume, SamplesAreKnownByTheirIdsWhereEachIsAClass) {
  const Workspace work;
  const Words settings = with(kMemory, {"sampler.name=two_views", "sampler.samples_per_class="});
  ASSERT_EQ(train(work, with(settings, {kUntil})).code, 0);
  const auto key = [](const Checkpoint& checkpoint) {
    return checkpoint.snapshot.tensors.at("memory").at("key");
  };
  const at::Tensor before = key(load_checkpoint(work.run()));
  copy_folder(work.path("pictures/class0"), work.path("pictures/aaa"));  // six samples before all others
  const Finished done = train(work, with(settings, {kOneMore, kStill}));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("samples to train on: 48 -> 54"));
  const at::Tensor after = key(load_checkpoint(work.run()));
  std::map<int64_t, int64_t> label_of;
  for (int64_t i = 0; i < 40; ++i) label_of[before[i][2].item<int64_t>()] = before[i][0].item<int64_t>();
  for (int64_t i = 0; i < 40; ++i)
    if (after[i][3].item<int64_t>() <= 7) {
      EXPECT_EQ(after[i][0].item<int64_t>(), label_of.at(after[i][2].item<int64_t>()) + 6);
    }
}

TEST(Resume, CheckpointsWithoutNamesStillLoadAndSaySo) {
  for (const Words& settings : {kProxies, kMemory}) {
    const Workspace whole, parts;
    ASSERT_EQ(train(whole, with(settings, {"schedule.steps=12"})).code, 0);
    ASSERT_EQ(train(parts, with(settings, {"schedule.steps=12"})).code, 0);
    fs::remove_all(parts.run() / "checkpoints/step-00000012");
    forget_names(parts);
    const Finished done = train(parts, with(settings, {"schedule.steps=12"}));
    ASSERT_EQ(done.code, 0) << done.err;
    EXPECT_THAT(done.err, HasSubstr("without the names of classes"));
    EXPECT_EQ(losses(parts.run()), losses(whole.run()));
    if (settings == kMemory) continue;
    forget_names(parts);
    fs::remove_all(parts.path("pictures/class3"));
    EXPECT_EQ(train(parts, with(settings, {"schedule.steps=13"})).code, 5)
        << "of whom each row is, nobody knows";
  }
}

}  // namespace
}  // namespace lodestone::testing
