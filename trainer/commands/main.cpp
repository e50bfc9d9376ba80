#include "trainer/commands/main.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include "common/causes.h"
#include "common/cpu_count.h"
#include "common/error.h"
#include "common/exit_code.h"
#include "common/files.h"
#include "common/log_format.h"
#include "common/stderr_lines.h"
#include "trainer/commands/stop_signals.h"
#include "trainer/commands/thread_spin.h"
#include "trainer/commands/usage.h"
#include "trainer/commands/verb.h"
#include "trainer/coordinator/build_info.h"
#include "trainer/run/start/host_reporter.h"

namespace lodestone::commands {
namespace {

// Limits the threads of computations before run_on_ranks, which sets the number again, or without it.
void use_no_more_than_the_quota() {
  if (std::getenv("OMP_NUM_THREADS") == nullptr) at::set_num_threads(cpu_count());
}

void print_error(const std::exception& error) {
  // What is wrong with a command, a configuration or a checkpoint all ranks find; a lost peer each rank sees
  // in its own way.
  if (dynamic_cast<const CommError*>(&error) == nullptr && !run::reports_for_host(explain(error))) return;
  const std::string rank = run::rank_prefix();
  if (log_format() == LogFormat::kJson)
    make_log(-1, 1)->error("{}{}", rank, explain_on_a_line(error));
  else
    std::cerr << "lodestone: error: " + rank + explain(error) + "\n" << std::flush;
}

int run_verb(int argc, char** argv, const run::Extensions& extensions) {
  check_log_variables();
  const run::Tables tables(extensions);
  CLI::App app{"Lodestone trains embedding models with negatives mined from the global batch.", "lodestone"};
  app.set_version_flag("--version", std::string("lodestone ") + coordinator::lodestone_version());
  app.require_subcommand(1);
  Action action;
  add_verbs(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    throw ConfigError(usage_problem(app, error, std::vector<std::string>(argv + 1, argv + argc)));
  }
  // `launch` waits for signals on its only thread: a thread of LibTorch's pool would
  // receive them and end the process.
  if (!app.got_subcommand("launch")) use_no_more_than_the_quota();
  return action(tables);
}

// The value of the last `--set log.format=` on the command line, if there is one and it is known.
std::optional<LogFormat> asked_format(char** words) {
  std::optional<LogFormat> format;
  for (; *words != nullptr; ++words) {
    std::string_view word = *words;
    if (word == "--set" && words[1] != nullptr) word = *++words;
    if (word.starts_with("--set=")) word.remove_prefix(6);
    constexpr std::string_view kKey = "log.format=";
    if (word.starts_with(kKey)) format = choice_named(word.substr(kKey.size()), kLogFormats);
  }
  return format;
}

// Fails if stdout could not be written completely, so that a script notices.
void check_stdout() {
  std::cout.flush();
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good()) return;
  throw IoError(std::string("stdout: expected to write the command's output, got ") +
                (errno != 0 ? std::strerror(errno) : "a write error") +
                "; free disk space, or redirect the output");
}

// Opens closed standard streams: otherwise the next opened file would get the descriptor, and output would be
// written into it.
void open_standard_streams() {
  while (true) {
    const int fd = ::open("/dev/null", O_RDWR);
    if (fd < 0 || fd > STDERR_FILENO) {
      if (fd >= 0) ::close(fd);
      return;
    }
  }
}

// By default Open MPI's ranks listen for other hosts on every network. Called
// before MPI reads the environment.
void listen_on_loopback_alone() {
  const auto word = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  const std::string world = word("OMPI_COMM_WORLD_SIZE");
  if (world.empty() || world != word("OMPI_COMM_WORLD_LOCAL_SIZE")) return;
  ::setenv("OMPI_MCA_pml", "ob1", /*overwrite=*/0);
  ::setenv("OMPI_MCA_btl", "self,vader", /*overwrite=*/0);
}

}  // namespace
}  // namespace lodestone::commands

int lodestone::main(int argc, char** argv, const run::Extensions& extensions) {
  using namespace commands;
  open_standard_streams();
  listen_on_loopback_alone();
  spin_briefly(argv);
  // Programs that call this function have no before_main.cpp.
  unblock_stop_signals();
  // Tensors of a few MiB are allocated and freed for every tile and layer: memory kept by the allocator
  // causes no page faults.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 28);
  // Errors before the configuration is read have the format, too.
  if (const auto format = asked_format(argv)) choose_log_format(*format);
  const StderrLines lines(make_log(-1, 1));
  try {
    const int code = run_verb(argc, argv, extensions);
    check_stdout();
    return code;
  } catch (const std::exception& error) {
    print_error(error);
    return exit_code(error);
  }
}
