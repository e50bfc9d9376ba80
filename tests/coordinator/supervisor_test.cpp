// Jobs here are shell scripts: what is tried is who is started again, with what, and what is left of those
// that ended.
#include "trainer/coordinator/faults/supervisor.h"

#include <fstream>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/files.h"
#include "trainer/coordinator/faults/host_list.h"
#include "trainer/coordinator/faults/process_table.h"

namespace lodestone {
using namespace coordinator;
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class SupervisorTest : public ::testing::Test {
 protected:
  // $1 is a folder for notes.
  int run(const std::string& script) {
    options_.pause = std::chrono::milliseconds(5);
    options_.command = [&, script](const Generation& generation) {
      worlds_.push_back(generation.world);
      return ChildCommand{{"sh", "-c", script, "sh", folder_.path().string()}, {}, logs_errors_};
    };
    return Supervisor(options_, log_).run();
  }
  // What the supervisor and the job said on stderr.
  std::string said(const std::string& script) {
    log_ = make_log(-1, 1);
    ::testing::internal::CaptureStderr();
    run(script);
    return ::testing::internal::GetCapturedStderr();
  }
  std::vector<std::string> notes() const {
    std::ifstream in(folder_.path() / "notes");
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  SupervisorOptions options_;
  TempFolder folder_;
  Log log_ = silent_log();
  bool logs_errors_ = true;
  std::vector<int> worlds_;
};

TEST_F(SupervisorTest, starts_again_what_a_signal_or_a_lost_peer_ended) {
  EXPECT_EQ(run("echo $LODESTONE_GENERATION >>$1/notes; case $LODESTONE_GENERATION in 0) kill -9 $$;; 1) "
                "exit 4;; esac"),
            0);
  EXPECT_THAT(notes(), ElementsAre("0", "1", "2"));
}

TEST_F(SupervisorTest, what_a_launcher_says_becomes_lines_of_the_log_and_lines_of_ranks_stay) {
  const std::string ours = "2026-11-30T21:09:18.166+00:00 info [rank 0] ready\n";
  const std::string script =
      "echo '2026-11-30T21:09:18.166+00:00 info [rank 0] ready' >&2; "
      "echo 'mpirun noticed' >&2; echo '[E1130 21:09:18.166 a.cpp:1] lost' >&2; "
      "printf 'no end \\033[31m' >&2";
  const std::string text = said(script);
  EXPECT_EQ(text.find(ours), 0u) << text;
  EXPECT_THAT(text, HasSubstr(" warning mpirun noticed\n"));
  EXPECT_THAT(text, HasSubstr(" error lost (a.cpp:1)\n"));
  EXPECT_THAT(text, HasSubstr(" warning no end \\x1b[31m\n"));
  logs_errors_ = false;
  EXPECT_THAT(said(script), HasSubstr("\nmpirun noticed\n"));
}

TEST_F(SupervisorTest, boxes_of_a_launcher_that_name_an_exit_code_are_no_warnings) {
  const std::string rule = "printf -- '-%.0s' $(seq 74) >&2; echo >&2; ";
  const auto box = [&](const std::string& line) {
    return rule + "echo '" + line + "' >&2; echo 'more of it' >&2; " + rule;
  };
  for (const char* line :
       {"Primary job  terminated normally, but 1 process returned",
        "mpirun detected that one or more processes exited with non-zero status, thus causing"}) {
    const std::string text = said(box(line));
    EXPECT_THAT(text, HasSubstr(std::string(" info ") + line));
    EXPECT_THAT(text, HasSubstr(" info more of it\n"));
    EXPECT_THAT(text, Not(HasSubstr("warning")));
    EXPECT_THAT(text, Not(HasSubstr("-----")));
  }
  const std::string killed = said(box("mpirun noticed that process rank 1 exited on signal 9 (Killed)."));
  EXPECT_THAT(killed, HasSubstr(" warning mpirun noticed"));
  EXPECT_THAT(killed, HasSubstr(" warning more of it\n"));
  EXPECT_THAT(said(rule + "echo begun >&2; "), HasSubstr(" warning begun\n"));
  EXPECT_THAT(said(rule + "for i in $(seq 100); do echo line $i >&2; done; "),
              HasSubstr(" warning line 100\n"));
}

TEST_F(SupervisorTest, what_a_process_says_that_outlives_the_job_holds_nobody_up) {
  EXPECT_EQ(
      run(  // Not before it is without the token: until then it counts as one of the job's own.
          "env -u LODESTONE_JOB_TOKEN sleep 100 & echo $! >$1/left; until grep -qa sleep /proc/$!/cmdline && "
          "! grep -qa JOB_TOKEN /proc/$!/environ; do :; done; echo late >&2"),
      0);
  std::ifstream in(folder_.path() / "left");
  pid_t left = 0;
  ASSERT_TRUE(in >> left);
  EXPECT_EQ(::kill(left, SIGKILL), 0);
}

TEST_F(SupervisorTest, a_stop_that_comes_before_ranks_have_handlers_is_no_failure) {
  EXPECT_EQ(run("kill -TERM $PPID; while :; do sleep 0.02; done"), 75);
  EXPECT_EQ(worlds_.size(), 1u);
}

TEST_F(SupervisorTest, leaves_alone_what_a_new_start_cannot_cure) {
  for (const int code : {0, 2, 3, 5, 75}) {
    worlds_.clear();
    EXPECT_EQ(run("exit " + std::to_string(code)), code);
    EXPECT_EQ(worlds_.size(), 1u) << code;
  }
}

TEST_F(SupervisorTest, gives_up_after_so_many_restarts_with_the_jobs_own_code) {
  options_.max_restarts = 2;
  EXPECT_EQ(run("kill -SEGV $$"), 128 + SIGSEGV);
  EXPECT_EQ(worlds_.size(), 3u);
}

TEST_F(SupervisorTest, pauses_twice_as_long_each_time_and_a_minute_at_most) {
  std::vector<int64_t> pauses;
  for (const int fruitless : {0, 1, 2, 3, 4, 7, 8, 9, 1000})
    pauses.push_back(SupervisorOptions{}.pause_after(fruitless).count());
  EXPECT_THAT(pauses, ElementsAre(0, 0, 1000, 2000, 4000, 32'000, 60'000, 60'000, 60'000));
}

TEST_F(SupervisorTest, the_same_failure_without_a_new_checkpoint_is_tried_twice) {
  options_.max_restarts = 10;
  EXPECT_EQ(run("exit 1"), 1);
  EXPECT_EQ(worlds_.size(), 2u);
  worlds_.clear();
  options_.newest_checkpoint = [step = int64_t{0}]() mutable { return std::optional<int64_t>(++step); };
  EXPECT_EQ(run("exit 1"), 1);
  EXPECT_EQ(worlds_.size(), 11u);
}

TEST_F(SupervisorTest, every_life_has_the_same_token_and_every_job_another) {
  options_.max_restarts = 1;
  run("echo $LODESTONE_JOB_TOKEN >>$1/notes; exit 4");
  run("echo $LODESTONE_JOB_TOKEN >>$1/notes; exit 4");
  const auto tokens = notes();
  ASSERT_EQ(tokens.size(), 4u);
  EXPECT_EQ(tokens[0].size(), 64u);
  EXPECT_EQ(tokens[0], tokens[1]);
  EXPECT_NE(tokens[0], tokens[2]);
}

// A rank that was stopped, in a session of its own, outlives its mpirun.
TEST_F(SupervisorTest, kills_what_outlives_a_life_before_the_next_begins) {
  options_.max_restarts = 1;
  run(": >>$1/notes; setsid sh -c 'echo $$ >>$0/notes; kill -STOP $$; sleep 1000' $1 & while [ $(wc -l "
      "<$1/notes) -le $LODESTONE_GENERATION ]; "
      "do sleep 0.01; done; exit 4");
  const auto pids = notes();
  ASSERT_EQ(pids.size(), 2u);
  for (const std::string& pid : pids) EXPECT_EQ(::kill(std::stoi(pid), 0), -1) << pid << " still runs";
}

TEST_F(SupervisorTest, passes_a_stop_on_in_the_jobs_own_word_and_starts_nothing_after_it) {
  options_.stop_signal = SIGUSR1;
  EXPECT_EQ(run("trap 'exit 75' USR1; kill -TERM $PPID; while :; do sleep 0.02; done"), 75);
  EXPECT_EQ(worlds_.size(), 1u);
  worlds_.clear();
  EXPECT_EQ(run("trap 'exit 4' USR1; kill -INT $PPID; while :; do sleep 0.02; done"), 4);
  EXPECT_EQ(worlds_.size(), 1u);
}

TEST_F(SupervisorTest, a_stop_before_training_began_is_75_if_there_is_something_to_go_on_from) {
  options_.stop_signal = SIGUSR1;
  const std::string dies = "trap 'exit 9' USR1; kill -TERM $PPID; while :; do sleep 0.02; done";
  EXPECT_EQ(run(dies), 9);
  options_.newest_checkpoint = [] { return std::optional<int64_t>(7); };
  EXPECT_EQ(run(dies), 75);
}

// mpirun has no handler at first, and passes a signal on to the ranks that it has started by then alone.
TEST_F(SupervisorTest, a_stop_waits_for_a_handler_and_is_sent_again) {
  options_.stop_signal = SIGUSR1;
  EXPECT_EQ(run("kill -TERM $PPID; sleep 0.2; n=0; "
                "trap 'n=$((n+1)); echo $n >>$1/notes; [ $n -lt 3 ] || exit 75' USR1; "
                "while :; do sleep 0.02; done"),
            75);
  EXPECT_THAT(notes(), ElementsAre("1", "2", "3")) << "a job that the signal ended has the same code";
  EXPECT_FALSE(catches(::getpid(), SIGWINCH));
  struct sigaction former {
  }, action{};
  action.sa_handler = [](int) {};
  ::sigaction(SIGWINCH, &action, &former);
  EXPECT_TRUE(catches(::getpid(), SIGWINCH));
  ::sigaction(SIGWINCH, &former, nullptr);
}

TEST(Supervisor, repeats_a_stop_often_at_first_and_seldom_later) {
  using std::chrono::milliseconds;
  std::vector<int64_t> pauses;
  for (const int since : {0, 100, 900, 1000, 60'000})
    pauses.push_back(repeats_stop_after(milliseconds(since)).count());
  EXPECT_THAT(pauses, ElementsAre(100, 100, 100, 1000, 1000));
}

TEST_F(SupervisorTest, that_mpirun_passes_a_signal_on_is_said_once) {
  const std::string text =
      said("for n in 1 2 3; do echo 'mpirun: Forwarding signal 10 to job' >&2; echo other $n >&2; done");
  const size_t first = text.find("Forwarding signal 10 to job");
  ASSERT_NE(first, std::string::npos) << text;
  EXPECT_EQ(text.find("Forwarding", first + 1), std::string::npos) << text;
  EXPECT_THAT(text, AllOf(HasSubstr("other 1"), HasSubstr("other 2"), HasSubstr("other 3")));
}

TEST_F(SupervisorTest, a_second_signal_kills_a_job_that_does_not_listen) {
  EXPECT_EQ(run("trap 'kill -INT $PPID' TERM; kill -TERM $PPID; while :; do sleep 0.02; done"), 128 + SIGINT);
}

TEST_F(SupervisorTest, hang_up_does_nothing_and_usr2_is_passed_on) {
  EXPECT_EQ(run("trap 'exit 3' USR2; kill -HUP $PPID; kill -USR2 $PPID; while :; do sleep 0.02; done"), 3);
}

// As an mpirun does whose other host is gone: its ranks here have ended, and it waits.
TEST_F(SupervisorTest, a_launcher_that_outlives_its_ranks_is_killed) {
  options_.rank_variable = "RANK_HERE=";
  options_.last_words = std::chrono::milliseconds(50);
  options_.max_restarts = 0;
  EXPECT_EQ(run("RANK_HERE=1 sleep 3; while :; do sleep 0.02; done"), 4);
}

// mpirun counts a rank that a signal ended as 128 + the signal; the job has lost a peer.
TEST_F(SupervisorTest, a_rank_that_a_signal_ended_is_a_lost_peer_under_a_launcher) {
  options_.max_restarts = 0;
  EXPECT_EQ(run("exit 137"), 137);
  options_.rank_variable = "RANK_HERE=";
  EXPECT_EQ(run("exit 137"), 4);
  EXPECT_EQ(run("exit 139"), 4);
  EXPECT_EQ(run("exit 75"), 75);
}

TEST_F(SupervisorTest, lives_that_get_nowhere_cost_a_rank_until_the_least_number) {
  options_.world = 3;
  options_.min_world = 2;
  options_.max_restarts = 6;
  run("exit 4");
  EXPECT_THAT(worlds_, ElementsAre(3, 3, 2, 2, 2, 2, 2));
}

TEST_F(SupervisorTest, goes_on_with_the_hosts_that_are_left_and_waits_for_enough) {
  options_.world = 4;
  options_.min_world = 2;
  options_.max_restarts = 3;
  options_.ranks_left = [left = std::vector<int>{4, 3, 1, 2}, i = size_t{0}]() mutable {
    return left.at(i++);
  };
  options_.newest_checkpoint = [step = int64_t{0}]() mutable { return std::optional<int64_t>(++step); };
  EXPECT_EQ(run("exit 4"), 4);
  EXPECT_THAT(worlds_, ElementsAre(4, 3, 2));  // the third time only one rank was left: no start
}

TEST_F(SupervisorTest, a_program_that_is_not_there_is_a_clear_error) {
  options_.command = [](const Generation&) { return ChildCommand{{"no-such-mpirun"}, {}}; };
  try {
    Supervisor(options_, silent_log()).run();
    FAIL() << "nothing was thrown";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no-such-mpirun"));
  }
}

std::string rewritten(const std::string& text) {
  const TempFolder folder;
  std::ofstream(folder.path() / "hosts") << text;
  return hostfile_text(read_hostfile(folder.path() / "hosts"));
}

// The grammar of Open MPI 4: mpirun takes each of these too, but for repeated hosts, CR and a comment without
// a line's end.
TEST(HostList, reads_what_mpirun_reads) {
  EXPECT_EQ(rewritten("# ours\nnode1 slots=4\n\nnode2   # one\nnode1 slots=2 max_slots=8\n"),
            "node1 slots=6 max_slots=8\nnode2\n");
  for (const char* two : {"node slots=2", "node slots = 2", "node slots\t=\t2", "  node\tslots =2\n\n",
                          "node count=2\n", "node cpu=2\r\n", "node slots=02 // rack 3\n",
                          "/* rack\n3 */ node slots=2 /* here */\n", "node slots=2 # no line's end"})
    EXPECT_EQ(rewritten(two), "node slots=2\n") << two;
  EXPECT_EQ(rewritten("node slots=2 max_slots=4"), "node slots=2 max_slots=4\n");
  EXPECT_EQ(rewritten("node max-slots=4 slots=2"), "node slots=2 max_slots=4\n");
  EXPECT_EQ(rewritten("node cpu_max=4"), "node slots=4 max_slots=4\n");
  EXPECT_EQ(rewritten("me@node slots=2\nnode2 user-name = you"), "me@node slots=2\nyou@node2\n");
  EXPECT_EQ(rewritten("10.0.0.7 slots=2"), "10.0.0.7 slots=2\n");
  EXPECT_EQ(rewritten("node\nnode\nnode\n"), "node slots=3\n");
  EXPECT_EQ(rewritten("node slots=4\nnode\n"), "node slots=5\n");
  EXPECT_EQ(rewritten("localhost slots=2\n127.0.0.1 slots=1\n"), "localhost slots=3\n");
}

TEST(HostList, slots_are_counted_where_all_are_given) {
  EXPECT_EQ(slots_of({{"a", 4, {}}, {"b", 3, 8}}), 7);
  EXPECT_EQ(slots_of({{"a", 4, {}}, {"b", {}, {}}}), std::nullopt);
}

TEST(HostList, a_pipe_is_read_once) {
  const TempFolder folder;
  const std::string path = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(path) << "node1 slots=2\n"; });
  EXPECT_EQ(hostfile_text(read_hostfile(path)), "node1 slots=2\n");
  writer.join();
}

TEST(HostList, a_bad_line_is_named_with_what_to_write) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"node1 slots=0", "slots=N with N at least 1"},
      {"node1 slots=-1", "slots=N with N at least 1"},
      {"node1 slots=many", "slots=N with N at least 1"},
      {"node1 slots=2x", "got 'slots=2x'"},
      {"node1 slots=", "expected slots=N"},
      {"node1 8", "slots=N behind a host's name"},
      {"node1 cores=2", "slots, max_slots or username"},
      {"node1 SLOTS=2", "slots, max_slots or username"},
      {"node1 slots=4 max_slots=2", "max_slots"},
      {"+n0", "relative"},
      {"^node1", "excluded"},
      {"rank 0=node1 slot=1", "rankfile"},
      {"[::1] slots=2", "no IPv6 address"},
      {"node1:4", "write slots=N"},
      {"my_node slots=2", "letters, digits"},
      {"\"node1\" slots=2", "letters, digits"},
      {"a@b@c", "letters, digits"}};
  for (const auto& [line, words] : bad) {
    try {
      rewritten("node0 slots=1\n" + line + "\n");
      ADD_FAILURE() << line << " was read";
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr("hosts:2: "), HasSubstr(words))) << line;
    }
  }
  EXPECT_THROW(rewritten("# nobody\n"), ConfigError);
  EXPECT_THROW(rewritten(""), ConfigError);
  EXPECT_THROW(read_hostfile("/nowhere/hosts"), IoError);
  EXPECT_THROW(read_hostfile("/"), IoError);
}

TEST(HostList, hosts_that_do_not_answer_are_left_out) {
  const TempFolder folder;
  std::ofstream(folder.path() / "agent") << "test $1 != dead\n";
  const std::string agent = folder.path() / "agent";
  const auto left = answering({{"alive", 2, {}}, {"dead", 2, {}}, {"localhost", 1, {}}}, {"sh", agent});
  EXPECT_EQ(hostfile_text(left), "alive slots=2\nlocalhost slots=1\n");
}

}  // namespace
}  // namespace lodestone
