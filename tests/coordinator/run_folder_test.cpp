// What a run folder is, and that it is one process's at a time.
#include "trainer/coordinator/checkpoints/run_folder.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/files.h"

namespace lodestone {
using namespace coordinator;
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

void touch(const fs::path& path) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << "x";
}

TEST(RunFolderHoldsRun, ByWhatOnlyRunsLeave) {
  const TempFolder temp;
  const auto of = [&](const std::string& name, const std::vector<std::string>& names) {
    for (const auto& entry : names) touch(temp.path() / name / entry);
    return RunFolder(temp.path() / name).holds_run();
  };
  EXPECT_FALSE(RunFolder(temp.path() / "absent").holds_run());
  EXPECT_FALSE(of("lock", {".lock"}));
  EXPECT_FALSE(of("project", {"config.yaml", "main.py"}));
  EXPECT_FALSE(of("metrics", {"metrics.jsonl"}));
  EXPECT_FALSE(of("checkpoints", {"checkpoints/epoch-1.pt"}));
  EXPECT_TRUE(of("begun", {"config.yaml", "checkpoints/latest"}));
  EXPECT_TRUE(of("emptied", {"config.yaml", "metrics.jsonl"}));
  EXPECT_TRUE(of("bare", {"checkpoints/step-00000004/state.json"}));
  RunFolder(temp.path() / "prepared").prepare("");
  EXPECT_TRUE(RunFolder(temp.path() / "prepared").holds_run());
  touch(temp.path() / "file");
  EXPECT_FALSE(RunFolder(temp.path() / "file").holds_run());
}

TEST(RunFolderSetAside, TakesTheFirstNameThatIsFreeWhateverThePathLooksLike) {
  const TempFolder temp;
  for (const std::string path : {"run", "run/", "./run", "run/../run"}) {
    touch(temp.path() / "run/metrics.jsonl");
    const fs::path aside = RunFolder(temp.path() / path).set_aside();
    EXPECT_TRUE(fs::exists(aside / "metrics.jsonl")) << path;
    EXPECT_FALSE(fs::exists(temp.path() / "run")) << path;
  }
  EXPECT_TRUE(fs::exists(temp.path() / "run.4"));
  fs::create_symlink("nowhere", temp.path() / "run.5");
  EXPECT_EQ(free_name(temp.path() / "run"), temp.path() / "run.6") << "a link to nowhere is a name, too";
}

TEST(RunFolderSetAside, SaysWhatToDoWhereItCannot) {
  const auto message = [](const fs::path& path) -> std::string {
    try {
      RunFolder(path).set_aside();
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message("."), HasSubstr("which the command works in"));
  EXPECT_THAT(message(fs::current_path().parent_path()), HasSubstr("which the command works in"));
  EXPECT_THAT(message("/proc"), HasSubstr("mount point"));
  EXPECT_THAT(message("/proc/self"), HasSubstr("name a folder below it as run_dir"));
  EXPECT_THAT(message(std::string(300, 'x')), HasSubstr("File name too long"));
}

TEST(RunFolderRefuseForeign, KeepsWhatIsNoRuns) {
  const TempFolder temp;
  const RunFolder folder(temp.path() / "run");
  EXPECT_NO_THROW(folder.refuse_foreign()) << "nothing there yet";
  fs::create_directories(folder.root());
  touch(folder.root() / "notes.txt");
  EXPECT_NO_THROW(folder.refuse_foreign());
  for (const fs::path& file : {folder.config(), folder.metrics()}) {
    touch(file);
    EXPECT_THROW(folder.refuse_foreign(), ConfigError) << file;
    fs::remove(file);
  }
  fs::create_directory(folder.config());
  EXPECT_THROW(folder.refuse_foreign(), ConfigError) << "a folder of that name";
  fs::remove(folder.config());
  touch(folder.config());
  fs::create_directories(folder.checkpoints());
  EXPECT_NO_THROW(folder.refuse_foreign()) << "a run's";
}

TEST(RunLock, IsForOneAtATimeAndChangesNothingWhereItIsRefused) {
  const TempFolder temp;
  const RunFolder folder(temp.path() / "runs/a");
  {
    const RunLock lock(folder);
    EXPECT_TRUE(fs::exists(folder.root() / ".lock"));
    const auto written = fs::last_write_time(folder.root());
    EXPECT_THROW(RunLock{folder}, IoError);
    EXPECT_EQ(fs::last_write_time(folder.root()), written);
  }
  const RunLock again(folder);
  touch(temp.path() / "file");
  EXPECT_THROW(RunLock{RunFolder(temp.path() / "file/run")}, IoError);
  fs::create_directory(temp.path() / "odd");
  ASSERT_EQ(::mkfifo((temp.path() / "odd/.lock").c_str(), 0600), 0);
  EXPECT_THROW(RunLock{RunFolder(temp.path() / "odd")}, IoError) << "nobody reads that pipe";
}

}  // namespace
}  // namespace lodestone
