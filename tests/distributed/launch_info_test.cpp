#include "distributed/rendezvous/launch_info.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/error.h"

namespace lodestone {
using namespace distributed;
namespace {

using Launcher = LaunchInfo::Launcher;
using Variables = std::map<std::string, std::string>;

Environment environment_of(const Variables& variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

struct Found {
  const char* name;
  Variables variables;
  Launcher launcher;
  int rank, world, local_rank, local_world;
  bool has_mpi;
};

const std::vector<Found> kFound = {
    {"nothing", {}, Launcher::kNone, 0, 1, 0, 1, false},
    {"open_mpi",
     {{"OMPI_COMM_WORLD_RANK", "5"},
      {"OMPI_COMM_WORLD_SIZE", "8"},
      {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
      {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"},
      {"PMIX_RANK", "5"}},
     Launcher::kOpenMpi,
     5,
     8,
     1,
     4,
     true},
    {"mvapich",
     {{"MV2_COMM_WORLD_RANK", "2"}, {"MV2_COMM_WORLD_SIZE", "4"}, {"MV2_COMM_WORLD_LOCAL_RANK", "2"}},
     Launcher::kMvapich,
     2,
     4,
     2,
     0,
     true},
    {"mpich",
     {{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "2"}},
     Launcher::kPmi,
     3,
     4,
     1,
     2,
     true},
    {"pmix_alone", {{"PMIX_RANK", "3"}}, Launcher::kPmix, 3, 0, 0, 0, true},
    {"srun_pmix",
     {{"PMIX_RANK", "3"},
      {"SLURM_STEP_ID", "0"},
      {"SLURM_PROCID", "3"},
      {"SLURM_NTASKS", "4"},
      {"SLURM_LOCALID", "1"}},
     Launcher::kPmix,
     3,
     4,
     1,
     0,
     true},
    {"srun",
     {{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "0"}},
     Launcher::kSlurm,
     0,
     4,
     0,
     0,
     true},
    {"srun_with_master",
     {{"SLURM_STEP_ID", "0"},
      {"SLURM_PROCID", "1"},
      {"SLURM_NTASKS", "2"},
      {"MASTER_ADDR", "a"},
      {"MASTER_PORT", "1"}},
     Launcher::kSlurm,
     1,
     2,
     0,
     0,
     false},
    {"salloc", {{"SLURM_NTASKS", "4"}, {"SLURM_JOB_ID", "9"}}, Launcher::kNone, 0, 1, 0, 1, false},
    {"sbatch_script", {{"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}}, Launcher::kNone, 0, 1, 0, 1, false},
    {"mpirun_in_sbatch_script",
     {{"OMPI_COMM_WORLD_RANK", "3"},
      {"OMPI_COMM_WORLD_SIZE", "4"},
      {"SLURM_PROCID", "0"},
      {"SLURM_NTASKS", "4"}},
     Launcher::kOpenMpi,
     3,
     4,
     0,
     0,
     true},
    {"mpirun_daemons_under_srun",
     {{"OMPI_COMM_WORLD_RANK", "5"},
      {"OMPI_COMM_WORLD_SIZE", "8"},
      {"SLURM_STEP_ID", "0"},
      {"SLURM_PROCID", "1"},
      {"SLURM_STEP_NUM_TASKS", "2"},
      {"SLURM_NTASKS", "8"}},
     Launcher::kOpenMpi,
     5,
     8,
     0,
     0,
     true},
    {"salloc_interactive_shell",
     {{"SLURM_JOB_ID", "1"},
      {"SLURM_STEP_ID", "4294967290"},
      {"SLURM_PROCID", "0"},
      {"SLURM_LOCALID", "0"},
      {"SLURM_NTASKS", "4"},
      {"SLURM_STEP_NUM_TASKS", "1"}},
     Launcher::kNone,
     0,
     1,
     0,
     1,
     false},
    {"salloc_interactive_shell_of_an_older_slurm",
     {{"SLURM_STEP_ID", "4294967290"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}},
     Launcher::kNone,
     0,
     1,
     0,
     1,
     false},
    {"ssh_into_a_job_through_pam_slurm_adopt",
     {{"SLURM_STEP_ID", "4294967292"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}},
     Launcher::kNone,
     0,
     1,
     0,
     1,
     false},
    {"the_batch_step_itself",
     {{"SLURM_STEP_ID", "4294967291"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}},
     Launcher::kNone,
     0,
     1,
     0,
     1,
     false},
    {"mpirun_in_an_interactive_shell",
     {{"OMPI_COMM_WORLD_RANK", "3"},
      {"OMPI_COMM_WORLD_SIZE", "4"},
      {"SLURM_STEP_ID", "4294967290"},
      {"SLURM_PROCID", "0"},
      {"SLURM_NTASKS", "4"},
      {"SLURM_STEP_NUM_TASKS", "1"}},
     Launcher::kOpenMpi,
     3,
     4,
     0,
     0,
     true},
    {"torchrun_in_an_interactive_shell",
     {{"RANK", "1"},
      {"WORLD_SIZE", "2"},
      {"MASTER_ADDR", "h"},
      {"SLURM_STEP_ID", "4294967290"},
      {"SLURM_PROCID", "0"},
      {"SLURM_NTASKS", "4"}},
     Launcher::kTorchrun,
     1,
     2,
     0,
     0,
     false},
    {"one_task_of_a_job_with_four",
     {{"SLURM_STEP_ID", "3"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_STEP_NUM_TASKS", "1"}},
     Launcher::kSlurm,
     0,
     1,
     0,
     0,
     true},
    {"srun_with_master_on_one_node",
     {{"SLURM_STEP_ID", "0"},
      {"SLURM_PROCID", "1"},
      {"SLURM_NTASKS", "2"},
      {"SLURM_STEP_NUM_NODES", "1"},
      {"MASTER_ADDR", "node7"},
      {"MASTER_PORT", "1"}},
     Launcher::kSlurm,
     1,
     2,
     0,
     2,
     false},
    {"ranks_that_meet_at_localhost",
     {{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "localhost"}, {"MASTER_PORT", "1"}},
     Launcher::kTorchrun,
     1,
     2,
     0,
     2,
     false},
    {"kubernetes_services_beside_no_launcher",
     {{"MASTER_PORT", "tcp://10.0.0.7:29500"},
      {"RANK_PORT", "tcp://10.0.0.8:1"},
      {"PMI_PORT", "tcp://10.0.0.9:2"}},
     Launcher::kNone,
     0,
     1,
     0,
     1,
     false},
    {"kubernetes_services_beside_mpirun",
     {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}, {"MASTER_PORT", "tcp://10.0.0.7:29500"}},
     Launcher::kOpenMpi,
     1,
     2,
     0,
     0,
     true},
    {"malformed_leftovers_beside_mpirun",
     {{"OMPI_COMM_WORLD_RANK", "1"},
      {"OMPI_COMM_WORLD_SIZE", "2"},
      {"RANK", "first"},
      {"WORLD_SIZE", "many"},
      {"LOCAL_RANK", "x"},
      {"SLURM_PROCID", "?"},
      {"PMI_RANK", ""}},
     Launcher::kOpenMpi,
     1,
     2,
     0,
     0,
     true},
    {"half_of_another_launcher_beside_mpirun",
     {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}, {"WORLD_SIZE", "2"}, {"PMI_SIZE", "7"}},
     Launcher::kOpenMpi,
     1,
     2,
     0,
     0,
     true},
    {"a_master_port_out_of_range_beside_mpirun",
     {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}, {"MASTER_PORT", "70000"}},
     Launcher::kOpenMpi,
     1,
     2,
     0,
     0,
     true},
    {"torchrun",
     {{"RANK", "1"},
      {"WORLD_SIZE", "2"},
      {"LOCAL_RANK", "1"},
      {"LOCAL_WORLD_SIZE", "2"},
      {"MASTER_ADDR", "h"}},
     Launcher::kTorchrun,
     1,
     2,
     1,
     2,
     false},
    {"agreeing_twice",
     {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}, {"RANK", "1"}, {"WORLD_SIZE", "2"}},
     Launcher::kOpenMpi,
     1,
     2,
     0,
     0,
     true},
};

class LaunchFound : public ::testing::TestWithParam<Found> {};

TEST_P(LaunchFound, as_set) {
  const Found& expected = GetParam();
  const LaunchInfo info = discover_launch(environment_of(expected.variables));
  EXPECT_EQ(info.launcher, expected.launcher);
  EXPECT_EQ(info.rank, expected.rank);
  EXPECT_EQ(info.world, expected.world);
  EXPECT_EQ(info.local_rank, expected.local_rank);
  EXPECT_EQ(info.local_world, expected.local_world);
  EXPECT_EQ(info.has_mpi(), expected.has_mpi);
}

INSTANTIATE_TEST_SUITE_P(Table, LaunchFound, ::testing::ValuesIn(kFound),
                         [](const auto& tested) { return std::string(tested.param.name); });

struct Refused {
  const char* name;
  Variables variables;
  std::vector<std::string> mentions;
};

const std::vector<Refused> kRefused = {
    {"ranks_contradict",
     {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"RANK", "2"}, {"WORLD_SIZE", "4"}},
     {"OMPI_COMM_WORLD_RANK=1", "RANK=2"}},
    {"worlds_contradict",
     {{"PMI_RANK", "1"}, {"PMI_SIZE", "4"}, {"RANK", "1"}, {"WORLD_SIZE", "8"}},
     {"PMI_SIZE=4", "WORLD_SIZE=8"}},
    {"slurm_contradicts_open_mpi",
     {{"OMPI_COMM_WORLD_RANK", "1"},
      {"OMPI_COMM_WORLD_SIZE", "4"},
      {"SLURM_PROCID", "2"},
      {"SLURM_NTASKS", "4"}},
     {"OMPI_COMM_WORLD_RANK=1", "SLURM_PROCID=2"}},
    {"pmix_contradicts_slurm",
     {{"PMIX_RANK", "1"}, {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "4"}},
     {"PMIX_RANK=1", "SLURM_PROCID=2"}},
    {"rank_without_world", {{"RANK", "1"}}, {"RANK is set", "WORLD_SIZE is not"}},
    {"world_without_rank", {{"OMPI_COMM_WORLD_SIZE", "2"}}, {"OMPI_COMM_WORLD_RANK is not"}},
    {"rank_outside", {{"RANK", "2"}, {"WORLD_SIZE", "2"}}, {"RANK=2", "WORLD_SIZE=2"}},
    {"no_number", {{"RANK", "one"}, {"WORLD_SIZE", "2"}}, {"RANK", "'one'"}},
    {"negative", {{"RANK", "-1"}, {"WORLD_SIZE", "2"}}, {"RANK", "'-1'"}},
    {"port_too_large",
     {{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", "70000"}},
     {"MASTER_PORT", "70000"}},
    {"rank_that_is_no_int",
     {{"RANK", "4294967296"}, {"WORLD_SIZE", "4294967297"}},
     {"RANK", "at most 2147483647", "'4294967296'"}},
    {"local_rank_that_is_no_int",
     {{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "4294967296"}},
     {"LOCAL_RANK", "'4294967296'"}},
    {"port_that_is_no_int",
     {{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", "4294996796"}},
     {"MASTER_PORT", "'4294996796'"}},
    {"kubernetes_service_called_master",
     {{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "tcp://10.0.0.7:29500"}},
     {"MASTER_PORT", "tcp://10.0.0.7:29500", "a service called 'master'", "enableServiceLinks: false",
      "rename"}},
    {"local_rank_of_the_launcher_itself",
     {{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "x"}},
     {"LOCAL_RANK", "'x'"}},
    {"open_mpi_without_a_number",
     {{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "two"}},
     {"OMPI_COMM_WORLD_SIZE", "'two'"}},
    {"slurm_without_a_number",
     {{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_STEP_NUM_TASKS", "x"}},
     {"SLURM_STEP_NUM_TASKS", "'x'"}},
    {"generation_without_a_number", {{"LODESTONE_GENERATION", "first"}}, {"LODESTONE_GENERATION", "'first'"}},
};

class LaunchRefused : public ::testing::TestWithParam<Refused> {};

TEST_P(LaunchRefused, with_the_variables_named) {
  try {
    discover_launch(environment_of(GetParam().variables));
    FAIL() << "expected a ConfigError";
  } catch (const ConfigError& error) {
    for (const std::string& part : GetParam().mentions) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Table, LaunchRefused, ::testing::ValuesIn(kRefused),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(LaunchInfo, carries_rendezvous_and_generation) {
  const LaunchInfo info = discover_launch(environment_of({{"RANK", "0"},
                                                          {"WORLD_SIZE", "2"},
                                                          {"MASTER_ADDR", "node7"},
                                                          {"MASTER_PORT", "29501"},
                                                          {"TORCHELASTIC_RESTART_COUNT", "3"}}));
  EXPECT_EQ(info.master_address, "node7");
  EXPECT_EQ(info.master_port, 29501);
  EXPECT_EQ(info.generation, 3);
  EXPECT_EQ(info.token, "");
}

TEST(LaunchInfo, the_jobs_own_token_and_generation_come_before_torchruns) {
  const LaunchInfo info = discover_launch(environment_of({{"LODESTONE_JOB_TOKEN", "secret"},
                                                          {"TORCHELASTIC_RUN_ID", "job7"},
                                                          {"LODESTONE_GENERATION", "2"},
                                                          {"TORCHELASTIC_RESTART_COUNT", "3"}}));
  EXPECT_EQ(info.token, "secret");
  EXPECT_EQ(info.generation, 2);
  EXPECT_EQ(discover_launch(environment_of({{"TORCHELASTIC_RUN_ID", "job7"}})).token, "job7");
}

}  // namespace
}  // namespace lodestone
