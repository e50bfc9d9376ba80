#include "trainer/run/ranks.h"

#include <algorithm>
#include <optional>
#include <thread>

#include <ATen/Parallel.h>

#include "common/causes.h"
#include "common/cpu_count.h"
#include "common/exit_code.h"
#include "common/log_format.h"
#include "common/stderr_lines.h"
#include "common/torch_error.h"
#include "trainer/run/repeatable.h"
#include "trainer/run/start/start_guard.h"
#include "trainer/run/start/start_watch.h"

namespace lodestone::run {

namespace {

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

distributed::LaunchOptions launch_options(const DistributedConfig& config) {
  distributed::LaunchOptions options;
  options.backend = config.backend;
  options.device = config.device;
  options.group.timeout = milliseconds(config.timeout);
  options.group.compare_calls = config.compare_calls;
  options.peer_timeout = milliseconds(config.peer_timeout);
  return options;
}

// Settings of each rank once its place in the world is known.
void prepare(const RunConfig& config, coordinator::RunContext& context) {
  send_stderr_lines_to(context.log);
  if (context.launch.device().is_cuda()) make_repeatable();
  if (context.world.rank() == 0 && context.launch.lacks_token())
    context.log->warn(
        "control plane: the job has no token, so that anyone who can reach port {} is trusted; give all "
        "ranks the same secret in LODESTONE_JOB_TOKEN",
        context.launch.info().master_port);
  const int cores = cpu_count();
  const int ranks_here = std::max(1, context.launch.info().local_world);
  const int share = config.training.determinism.canonical() ? 1 : std::max(1, cores / ranks_here);
  at::set_num_threads(config.threads ? static_cast<int>(*config.threads) : share);
}

// Starts the rank while watchers can distinguish a missing rank from a slow one.
coordinator::RunContext start_rank(const RunConfig& config) {
  const distributed::Environment environment = distributed::process_environment();
  const distributed::LaunchInfo info = distributed::discover_launch(environment);
  if (info.world == 1) return coordinator::RunContext(launch_options(config.distributed));
  const auto patience = milliseconds(config.distributed.peer_timeout);
  std::optional<StartGuard> guard;
  if (info.local_world <= 1) guard.emplace(std::to_string(info.rank), patience);
  const StartWatch watch(milliseconds(config.distributed.timeout), patience, environment);
  return coordinator::RunContext(launch_options(config.distributed));
}

// How long ranks may be apart when they find the same error.
constexpr std::chrono::milliseconds kPatience{3000};
constexpr std::chrono::milliseconds kBetweenLooks{20};

// Whether another rank has logged this error. One that all ranks find is rank 0's to log; the others wait for
// its report, but not for long, since the error may be theirs alone.
bool is_logged_elsewhere(const coordinator::RunContext& context, distributed::ControlPlane& control,
                         const std::string& error) {
  if (context.is_main_rank()) return false;
  const auto patience = std::min(kPatience, control.options().peer_timeout / 2);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto verdict = control.failure()) return verdict->ends_with(": " + error);
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return false;
}

}  // namespace

int run_on_ranks(const RunConfig& config, const std::function<int(coordinator::RunContext&)>& body) {
  choose_log_format(config.log.format);
  coordinator::RunContext context = start_rank(config);
  prepare(config, context);
  const auto control = context.launch.control();
  if (!control) return body(context);
  try {
    const int code = body(context);
    context.world.barrier();
    return code;
  } catch (const CommError& error) {
    const auto verdict = control->failure();
    const auto code = control->failure_code();
    if (code) {
      // The rank that failed has logged its error.
      if (context.is_main_rank()) context.log->warn("ended with exit code {}: {}", *code, *verdict);
    } else {
      // Logged now, not by main: leaving the group waits for a stopped rank until its heartbeats time out.
      context.log->error("{}", explain_on_a_line(error));
      context.world.abort("this rank ended with an error");
    }
    return code.value_or(kPeerLost);
  } catch (const std::exception& error) {
    // After NCCL was aborted, LibTorch's exception does not name the cause.
    if (const auto verdict = control->failure();
        verdict && context.launch.device().is_cuda() && dynamic_cast<const Error*>(&error) == nullptr) {
      context.log->error("{}", *verdict);
      context.log->info("messages of the GPU's libraries: {}", torch_reason(error));
      return control->failure_code().value_or(kPeerLost);
    }
    const int code = exit_code(error);
    const std::string sentence = explain_on_a_line(error);
    // Logged now, not by main: the launcher may end this process as soon as another has ended.
    if (!is_logged_elsewhere(context, *control, sentence)) context.log->error("{}", sentence);
    // Aborting notifies the others and keeps this rank out of the barrier that they may be in.
    context.world.abort(sentence, code);
    return code;
  }
}

}  // namespace lodestone::run
