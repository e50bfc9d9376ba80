#include "trainer/run/last_line.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"

namespace lodestone::run {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

struct Folder {
  TempFolder temporary;
  coordinator::RunFolder run{temporary.path() / "run"};

  fs::path add(const std::string& checkpoint) const {
    const fs::path path = run.checkpoints() / checkpoint;
    fs::create_directories(path);
    return path;
  }
};

TEST(LastLine, OfAStopSaysWhatWasSavedAndHowToContinue) {
  const Folder folder;
  folder.add("step-00000004");
  const fs::path newest = folder.add("step-00000008");
  EXPECT_EQ(stopped_line("stopped by signal 2", folder.run, 8),
            "stopped by signal 2: saved step 8 in " + newest.string() +
                "; start the same command again to continue");
  EXPECT_EQ(stopped_line("stopped by signal 2 before the first step"),
            "stopped by signal 2 before the first step: nothing was saved, since no step was done; start the "
            "same command again to begin");
}

TEST(LastLine, OfAFailedSaveSaysWhatIsLost) {
  const Folder folder;
  EXPECT_THAT(
      unsaved_line("done", folder.run),
      HasSubstr("could not be saved and are lost; there is no checkpoint: the same command starts from "
                "the beginning"));
  const fs::path newest = folder.add("step-00000004");
  EXPECT_THAT(unsaved_line("done", folder.run),
              HasSubstr("are lost; the same command continues from " + newest.string()));
}

TEST(LastLine, OfADoneRunNamesCheckpointReportAndCommands) {
  const Folder folder;
  const fs::path newest = folder.add("step-00000008");
  const std::string run = folder.run.root().string();
  EXPECT_THAT(done_line(folder.run, 8), HasSubstr("saved step 8 in " + newest.string() + "; next: "));
  EXPECT_THAT(done_line(folder.run, 8), Not(HasSubstr("report")));
  std::ofstream(folder.run.report()) << "x";
  EXPECT_THAT(done_line(folder.run, 8),
              HasSubstr(", report in " + folder.run.report().string() + "; next: "));
  EXPECT_THAT(done_line(folder.run, 8), HasSubstr("`lodestone embed " + run + " --input"));
  const std::string again = done_line(folder.run, 8, /*saved_now=*/false);
  EXPECT_THAT(again,
              HasSubstr("done: nothing to save, the run ended before with step 8 in " + newest.string()));
  EXPECT_THAT(again, Not(HasSubstr("saved step")));
}

}  // namespace
}  // namespace lodestone::run
