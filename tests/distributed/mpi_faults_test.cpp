// Real jobs in which one rank is killed, stopped or late: the others must say which one, soon, and end.

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

bool eventually(std::chrono::seconds limit, const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

std::optional<std::string> read(const fs::path& path) {
  std::ifstream in(path);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

/// A job of fault_rank under mpirun. Ends it, and every rank of it, when it goes out of scope.
class Job {
 public:
  Job(int world, const std::string& mode, int victim, bool survivors_continue) : world_(world) {
    std::string name = (fs::temp_directory_path() / "lodestone-fault-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::vector<std::string> words = {MPIEXEC_PROGRAM,
                                      "--oversubscribe",
                                      "-n",
                                      std::to_string(world),
                                      "--mca",
                                      "btl_vader_single_copy_mechanism",
                                      "none"};
    // Without these mpirun ends all ranks when one dies, before they could say what they saw.
    if (survivors_continue)
      words.insert(words.end(), {"--enable-recovery", "--mca", "orte_abort_on_non_zero_status", "0"});
    words.insert(words.end(), {FAULT_RANK_PROGRAM, mode, std::to_string(victim), folder_.string()});
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, (folder_ / "output").c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    EXPECT_EQ(::posix_spawnp(&pid_, words.front().c_str(), &files, nullptr, arguments.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
  }

  ~Job() {
    if (!status_) {
      for (int r = 0; r < world_; ++r) kill_rank(r);
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    fs::remove_all(folder_);
  }

  void kill_rank(int rank) const {
    if (const auto pid = read(folder_ / ("pid-" + std::to_string(rank)))) ::kill(std::stoi(*pid), SIGKILL);
  }

  // Starting may take long where many tests share a machine; what counts is the time from here on.
  bool fault_has_come() const {
    return eventually(std::chrono::seconds(120), [&] { return fs::exists(folder_ / "fault"); });
  }

  std::optional<std::string> note(int rank) const { return read(folder_ / ("rank-" + std::to_string(rank))); }

  bool ends_within(std::chrono::seconds limit) {
    return eventually(limit, [this] {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
      return status_.has_value();
    });
  }

  bool succeeded() const { return status_ && WIFEXITED(*status_) && WEXITSTATUS(*status_) == 0; }
  std::string output() const { return read(folder_ / "output").value_or(""); }

 private:
  int world_;
  fs::path folder_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

void expect_note(const Job& job, int rank, const std::vector<std::string>& parts) {
  // Some three seconds on an idle machine; the rest is for one that is busy otherwise.
  ASSERT_TRUE(eventually(std::chrono::seconds(60), [&] { return job.note(rank).has_value(); }))
      << "rank " << rank << " hangs\n"
      << job.output();
  for (const std::string& part : parts) {
    EXPECT_NE(job.note(rank)->find(part), std::string::npos) << "rank " << rank << ": " << *job.note(rank);
  }
}

struct Fault {
  const char* name;
  const char* mode;
  int victim;
  std::vector<std::string> others_say;
};

class MpiFaults : public ::testing::TestWithParam<Fault> {};

TEST_P(MpiFaults, are_named_by_all_other_ranks) {
  constexpr int kWorld = 4;
  const Fault& fault = GetParam();
  Job job(kWorld, fault.mode, fault.victim, /*survivors_continue=*/true);
  ASSERT_TRUE(job.fault_has_come()) << job.output();
  for (int rank = 0; rank < kWorld; ++rank) {
    if (rank != fault.victim) expect_note(job, rank, fault.others_say);
  }
  job.kill_rank(fault.victim);  // a stopped one would stay
  EXPECT_TRUE(job.ends_within(std::chrono::seconds(60))) << job.output();
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, MpiFaults,
    ::testing::Values(
        Fault{"killed", "kill", 2, {"all_reduce", "rank 2 is lost"}},
        Fault{"killed_rank_0", "kill", 0, {"all_reduce", "rank 0 is lost"}},
        Fault{"killed_in_backward", "kill-in-backward", 1, {"rank 1 is lost"}},
        Fault{"stopped", "stop", 1, {"all_reduce", "rank 1 is lost: silent"}},
        Fault{"stopped_rank_0", "stop", 0, {"all_reduce", "rank 0 is lost: it has not answered"}},
        Fault{"late", "late", 3, {"all_reduce", "step 20", "rank 3 has not entered"}},
        Fault{"astray", "astray", 1, {"rank 1 called all_reduce of Float at step 20"}},
        Fault{"failed", "throw", 2, {"rank 2 gave up"}},
        Fault{"failed_with_a_code", "code", 2, {"rank 2 gave up: record 18 is broken", "exit code 3"}}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(MpiJob, ends_soon_and_badly_when_a_rank_is_killed_under_plain_mpirun) {
  Job job(3, "kill", 1, /*survivors_continue=*/false);
  ASSERT_TRUE(job.fault_has_come()) << job.output();
  EXPECT_TRUE(job.ends_within(std::chrono::seconds(60))) << job.output();
  EXPECT_FALSE(job.succeeded());
}

TEST(MpiJob, ends_well_when_nothing_happens) {
  Job job(3, "none", 0, /*survivors_continue=*/false);
  EXPECT_TRUE(job.ends_within(std::chrono::seconds(120))) << job.output();
  EXPECT_TRUE(job.succeeded()) << job.output();
}

}  // namespace
