#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <nlohmann/json.hpp>

#include "common/choices.h"
#include "common/json_text.h"
#include "common/output_file.h"
#include "common/text_format.h"
#include "trainer/commands/verb.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/ranks.h"
#include "trainer/run/run_config.h"

namespace lodestone::commands {

namespace {

struct BenchCollectivesArguments {
  std::vector<std::string> verbs = {"all_reduce", "all_gather", "reduce_scatter",
                                    "broadcast",  "send_recv",  "barrier"};
  std::vector<int64_t> sizes = {1 << 10, 1 << 14, 1 << 18, 1 << 22, 1 << 26};
  int64_t repeat = 20;
  std::vector<std::string> assignments;
  std::string json;
};

/// One collective over `bytes` of payload: the bytes that every rank holds before it; reduce_scatter keeps
/// one part of them.
struct Collective {
  const char* name;
  void (*run)(const distributed::Group& world, at::Tensor& x);
};

constexpr Collective kCollectives[] = {
    {"all_reduce", [](const distributed::Group& world, at::Tensor& x) { world.all_reduce(x); }},
    {"all_gather",
     [](const distributed::Group& world, at::Tensor& x) {
       const std::vector<int64_t> counts(static_cast<size_t>(world.size()), x.size(0));
       world.all_gather(x, counts);
     }},
    {"reduce_scatter",
     [](const distributed::Group& world, at::Tensor& x) {
       std::vector<int64_t> counts;
       for (int64_t rank = 0; rank < world.size(); ++rank)
         counts.push_back(x.size(0) * (rank + 1) / world.size() - x.size(0) * rank / world.size());
       world.reduce_scatter(x, counts);
     }},
    {"broadcast", [](const distributed::Group& world, at::Tensor& x) { world.broadcast(x); }},
    {"send_recv",
     [](const distributed::Group& world, at::Tensor& x) {
       const int size = world.size(), rank = world.rank();
       world.send_recv(x, (rank + 1) % size, x.sizes(), (rank + size - 1) % size);
     }},
    {"barrier", [](const distributed::Group& world, at::Tensor&) { world.barrier(); }},
};

const Collective& collective_named(const std::string& name) {
  for (const auto& collective : kCollectives)
    if (name == collective.name) return collective;
  throw ConfigError("bench collectives: --verbs: unknown verb '" + name +
                    "'; known: " + joined(names_of(std::span<const Collective>(kCollectives))));
}

// Waits until the device has finished its work; a CPU has finished already.
void finish(c10::Device device) {
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

// Requires a barrier of the caller before, so that all ranks start together.
double seconds_of(const coordinator::RunContext& context, const Collective& collective, at::Tensor& x) {
  const c10::Device device = context.launch.device();
  finish(device);
  const auto start = std::chrono::steady_clock::now();
  collective.run(context.world, x);
  finish(device);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

nlohmann::json measure(const coordinator::RunContext& context, const Collective& collective, int64_t bytes,
                       int64_t repeat) {
  const int64_t rows = std::max<int64_t>(bytes / 4, 1);
  at::Tensor x = at::zeros({rows}, at::TensorOptions(context.launch.device()).dtype(at::kFloat));
  context.world.barrier();
  seconds_of(context, collective, x);  // connects the ranks, and touches the buffers
  at::Tensor seconds = at::empty({repeat}, at::kDouble);
  int64_t sent = 0;
  for (int64_t i = 0; i < repeat; ++i) {
    context.world.barrier();
    const int64_t before = context.world.traffic().bytes();
    seconds.mutable_data_ptr<double>()[i] = seconds_of(context, collective, x);
    sent = context.world.traffic().bytes() - before;
  }
  // A collective takes as long as on its slowest rank.
  seconds = seconds.to(context.launch.device());
  context.world.all_reduce(seconds, distributed::ReduceOp::kMax);
  const double median = seconds.median().item<double>();
  const bool carries = collective.name != std::string("barrier");
  return {{"verb", collective.name},
          {"bytes", carries ? rows * 4 : 0},
          {"seconds", median},
          {"seconds_min", seconds.min().item<double>()},
          {"sent_bytes", sent},
          {"payload_bytes_per_second", carries ? static_cast<double>(rows * 4) / median : 0.0},
          {"sent_bytes_per_second", static_cast<double>(sent) / median}};
}

int bench(coordinator::RunContext& context, const BenchCollectivesArguments& arguments) {
  if (context.is_main_rank()) {
    std::printf("%d ranks (%s)\n", context.world.size(), context.world.backend().c_str());
    std::printf("%-15s %12s %12s %12s %14s %14s\n", "verb", "bytes", "seconds", "sent bytes", "payload GB/s",
                "sent GB/s");
  }
  nlohmann::json results = nlohmann::json::array();
  for (const auto& name : arguments.verbs) {
    const Collective& collective = collective_named(name);
    std::vector<int64_t> sizes = arguments.sizes;
    if (name == "barrier") sizes = {0};
    for (const int64_t size : sizes) {
      results.push_back(measure(context, collective, size, arguments.repeat));
      const nlohmann::json& r = results.back();
      if (!context.is_main_rank()) continue;
      const nlohmann::json all = {
          {"world", context.world.size()}, {"backend", context.world.backend()}, {"results", results}};
      if (!arguments.json.empty()) write_output(arguments.json, json_text(all, 2) + "\n");
      std::printf("%-15s %12ld %12.6f %12ld %14.3f %14.3f\n", collective.name, r["bytes"].get<long>(),
                  r["seconds"].get<double>(), r["sent_bytes"].get<long>(),
                  r["payload_bytes_per_second"].get<double>() / 1e9,
                  r["sent_bytes_per_second"].get<double>() / 1e9);
      std::fflush(stdout);
    }
  }
  return kDone;
}

int run_bench_collectives(const BenchCollectivesArguments& arguments, const run::Tables& tables) {
  run::RunConfig config(tables);
  const ConfigNodePtr root = parse_yaml("", "--set");
  run::read_run_config(root, arguments.assignments, "bench", config);
  return run::run_on_ranks(config,
                           [&](coordinator::RunContext& context) { return bench(context, arguments); });
}

}  // namespace

void add_bench_collectives(CLI::App* collectives, Action& action) {
  auto arguments = on<BenchCollectivesArguments>(collectives, action, run_bench_collectives);
  collectives->add_option("--verbs", arguments->verbs, "Collectives to measure, separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  collectives->add_option("--sizes", arguments->sizes, "Payload sizes in bytes per rank, separated by commas")
      ->delimiter(',')
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  collectives
      ->add_option("--repeat", arguments->repeat,
                   "Number of timed rounds after one warm-up round; their median is reported")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_path(collectives, "--json", arguments->json, "File for the results as JSON");
  add_set(collectives, arguments->assignments);
}

}  // namespace lodestone::commands
