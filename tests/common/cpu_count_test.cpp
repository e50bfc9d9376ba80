#include "common/cpu_count.h"

#include <csignal>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/files.h"

namespace lodestone {
namespace {

namespace fs = std::filesystem;

/// A made-up machine: what /proc/self and the control groups' files say.
class Tree {
 public:
  Tree(const std::string& cgroup, const std::string& mountinfo) {
    put("proc/self/cgroup", cgroup);
    put("proc/self/mountinfo", mountinfo);
  }
  void put(const std::string& path, const std::string& text) const {
    fs::create_directories((folder_.path() / path).parent_path());
    std::ofstream(folder_.path() / path) << text;
  }
  CpuLimits limits() const { return cpu_limits(folder_.path()); }
  std::optional<double> quota() const { return limits().quota; }

 private:
  TempFolder folder_;
};

const char* const kUnified =
    "25 1 0:22 / /proc rw - proc proc rw\n30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n";

TEST(CpuCount, WithoutControlGroupsThereIsNoQuota) {
  EXPECT_EQ(Tree("", "").quota(), std::nullopt);
  const Tree tree("0::/a\n", kUnified);
  EXPECT_EQ(tree.quota(), std::nullopt) << "no file";
  tree.put("sys/fs/cgroup/a/cpu.max", "max 100000\n");
  EXPECT_EQ(tree.quota(), std::nullopt);
  EXPECT_EQ(tree.limits().usable(), tree.limits().bound);
}

TEST(CpuCount, ReadsTheQuotaOfVersion2) {
  const Tree tree("0::/a\n", kUnified);
  tree.put("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  EXPECT_EQ(tree.quota(), 1.5);
  tree.put("sys/fs/cgroup/a/cpu.max", "50000\n");
  EXPECT_EQ(tree.quota(), 0.5) << "without a period it is the default one";
  EXPECT_TRUE(tree.limits().quota_file.ends_with("/sys/fs/cgroup/a/cpu.max"));
}

TEST(CpuCount, TheLeastQuotaAboveCounts) {
  const Tree tree("0::/a/b/c\n", kUnified);
  tree.put("sys/fs/cgroup/a/cpu.max", "200000 100000\n");
  tree.put("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  tree.put("sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
  EXPECT_EQ(tree.quota(), 2);
  tree.put("sys/fs/cgroup/a/b/c/cpu.max", "25000 50000\n");
  EXPECT_EQ(tree.quota(), 0.5);
}

TEST(CpuCount, InAContainerTheGroupIsTheMountPoint) {
  // With a namespace of its own, without one, and where the group lies outside of it.
  for (const char* group : {"0::/\n", "0::/docker/id\n", "0::/../other\n"}) {
    const Tree tree(group, "30 23 0:26 /docker/id /sys/fs/cgroup rw - cgroup2 cgroup rw\n");
    tree.put("sys/fs/cgroup/cpu.max", "300000 100000\n");
    EXPECT_EQ(tree.quota(), 3) << group;
  }
}

TEST(CpuCount, ReadsTheQuotaOfVersion1) {
  const Tree tree("5:memory:/x\n4:cpu,cpuacct:/job/step\n0::/init\n",
                  "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                  "32 23 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
  tree.put("sys/fs/cgroup/cpu,cpuacct/job/step/cpu.cfs_quota_us", "-1\n");
  tree.put("sys/fs/cgroup/cpu,cpuacct/job/step/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(tree.quota(), std::nullopt);
  tree.put("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "30000\n");
  tree.put("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "20000\n");
  EXPECT_EQ(tree.quota(), 1.5);
}

TEST(CpuCount, CpusetsAreNotTheCpuController) {
  const Tree tree("3:cpuset:/a\n", "32 23 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n");
  tree.put("sys/fs/cgroup/cpuset/a/cpu.cfs_quota_us", "1000\n");
  EXPECT_EQ(tree.quota(), std::nullopt);
}

TEST(CpuCount, MountPointsMayHaveSpaces) {
  const Tree tree("0::/a\n", "30 23 0:26 / /control\\040groups rw - cgroup2 cgroup2 rw\n");
  tree.put("control groups/a/cpu.max", "400000 100000\n");
  EXPECT_EQ(tree.quota(), 4);
}

TEST(CpuCount, DamagedFilesAreNoQuota) {
  for (const char* text : {"", "garbage", "0 100000", "-5 100000", "100000 0"}) {
    const Tree tree("0::/a\nnonsense\n", std::string("short line\n") + kUnified);
    tree.put("sys/fs/cgroup/a/cpu.max", text);
    EXPECT_EQ(tree.quota(), std::nullopt) << text;
  }
}

TEST(CpuCount, UsableIsRoundedUpAndAtMostTheBoundOnes) {
  const auto usable = [](int bound, std::optional<double> quota) {
    return CpuLimits{64, bound, quota, ""}.usable();
  };
  EXPECT_EQ(usable(8, std::nullopt), 8);
  EXPECT_EQ(usable(8, 0.1), 1);
  EXPECT_EQ(usable(8, 1.0), 1);
  EXPECT_EQ(usable(8, 1.5), 2);
  EXPECT_EQ(usable(8, 64), 8);
  EXPECT_EQ(usable(8, 1e12), 8);
}

TEST(CpuCount, AffinityCounts) {
  const CpuLimits limits = cpu_limits();
  EXPECT_GE(limits.bound, 1);
  EXPECT_LE(limits.bound, limits.machine);
  const pid_t child = ::fork();
  if (child == 0) {
    cpu_set_t one;
    CPU_ZERO(&one);
    cpu_set_t all;
    ::sched_getaffinity(0, sizeof all, &all);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
      if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
    ::sched_setaffinity(0, sizeof one, &one);
    ::_exit(cpu_count());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

/// A real control group with a quota, if this user may make one.
class RealGroup {
 public:
  RealGroup() {
    for (const char* top : {"/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}) {
      const bool unified = fs::exists(std::string(top) + "/cgroup.controllers");
      if (!unified && !fs::exists(std::string(top) + "/cpu.cfs_quota_us")) continue;
      const std::string name = std::string(top) + "/lodestone-test-" + std::to_string(::getpid());
      if (::mkdir(name.c_str(), 0755) != 0) continue;
      folder_ = name;
      std::ofstream out(folder_ / (unified ? "cpu.max" : "cpu.cfs_quota_us"));
      out << (unified ? "150000 100000" : "150000") << std::flush;
      usable_ = out.good();
      return;
    }
  }
  ~RealGroup() {
    if (!folder_.empty()) ::rmdir(folder_.c_str());
  }
  bool usable() const { return usable_; }
  bool join() const {
    std::ofstream out(folder_ / "cgroup.procs");
    out << ::getpid() << std::flush;
    return out.good();
  }

 private:
  fs::path folder_;
  bool usable_ = false;
};

TEST(CpuCount, RealControlGroup) {
  const RealGroup group;
  if (!group.usable()) GTEST_SKIP() << "this user may not make a control group with a quota";
  const pid_t child = ::fork();
  if (child == 0) {
    if (!group.join()) ::_exit(99);
    ::_exit(static_cast<int>(10 * cpu_limits().quota.value_or(0)));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WEXITSTATUS(status) == 99) GTEST_SKIP() << "this process may not move into a control group";
  EXPECT_GT(WEXITSTATUS(status), 0);
  EXPECT_LE(WEXITSTATUS(status), 15);
}

}  // namespace
}  // namespace lodestone
