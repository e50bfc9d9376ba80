#include <algorithm>
#include <cstdio>

#include "common/counted.h"
#include "common/cpu_count.h"
#include "common/error.h"
#include "common/json_text.h"
#include "common/output_file.h"
#include "common/yaml.h"
#include "trainer/commands/verb.h"
#include "trainer/plan/machines.h"
#include "trainer/plan/plan_json.h"
#include "trainer/plan/plan_probe.h"
#include "trainer/run/checkpoint_config.h"
#include "trainer/run/run_config.h"

namespace lodestone::commands {

namespace {

struct PlanArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool allow_code = false;
  int64_t ranks = 1;
  int64_t nodes = 1;
  std::string gpu;
  double efficiency = 0.4;
  std::string link = "100gbit";
  double latency = 5;
  int64_t classes = 0;
  int64_t tokens = 0;
  std::optional<int64_t> probe_rows;
  std::string json;
};

constexpr double kMiB = 1024.0 * 1024;

plan::Machine machine_for(const PlanArguments& arguments, const plan::StepCost& cost,
                          const plan::Machine& here, bool half) {
  plan::Machine machine =
      arguments.gpu.empty() ? here : plan::machine_of(arguments.gpu, cost, half, arguments.efficiency);
  machine.link_bandwidth = plan::bandwidth_of(arguments.link);
  machine.link_latency = arguments.latency * 1e-6;
  return machine;
}

void print_table(const char* title, const std::vector<plan::Prediction>& all, double memory_bytes) {
  std::printf("\n%s\n%8s %7s %12s %10s %12s %12s %12s %10s\n", title, "ranks", "nodes", "global batch",
              "MiB/rank", "s/step", "samples/s", "sent MiB", "efficiency");
  for (const auto& p : all)
    std::printf(
        "%8ld %7ld %12.0f %10.0f %12.4f %12.0f %12.2f %9.0f%%%s\n", static_cast<long>(p.ranks),
        static_cast<long>(p.nodes), p.global_batch, p.memory_bytes() / kMiB, p.step(), p.samples_per_second(),
        p.sent_bytes / kMiB,
        100 * p.samples_per_second() / (all.front().samples_per_second() * static_cast<double>(p.ranks)),
        p.memory_bytes() > memory_bytes ? "  does not fit" : "");
}

void print(const plan::StepCost& cost, const plan::Machine& machine, const plan::Prediction& p,
           int64_t largest) {
  std::printf(
      "%s on %s (%s), global batch %.0f: %.0f rows a rank; encoder of %ld parameters, width "
      "%ld\n",
      counted(p.ranks, "rank").c_str(), counted(p.nodes, "node").c_str(), machine.name.c_str(),
      p.global_batch, p.share, static_cast<long>(cost.parameters), static_cast<long>(cost.width));
  const auto line = [](const char* what, double value, const char* unit, const char* how) {
    std::printf("  %-24s %12.2f %-5s %s\n", what, value, unit, how);
  };
  std::printf("memory of a rank\n");
  line("weights to gradients", p.kept_bytes / kMiB, "MiB",
       "counted: weights, gradients and their buckets, moments, average");
  line("activations", p.activation_bytes / kMiB, "MiB",
       "measured on two small batches, by rows encoded at once");
  line("loss", p.loss_bytes / kMiB, "MiB",
       "bound: 4 x (own rows + rows compared) x width x 4 bytes, and tiles");
  line("program", p.base_bytes / kMiB, "MiB", "assumed");
  line("total", p.memory_bytes() / kMiB, "MiB",
       p.memory_bytes() > machine.memory_bytes ? "MORE THAN THERE IS" : "");
  std::printf("a step\n");
  line("encoder", p.compute * 1e3, "ms", "forward and backward");
  line("loss", p.loss * 1e3, "ms", "");
  line("exchange", p.exchange * 1e3, "ms",
       "embeddings, row states, statistics of norms: latencies and bytes");
  line("gradient reduction", p.exposed * 1e3, "ms", "what the backward pass does not hide");
  line("update", p.update * 1e3, "ms", "");
  line("total", p.step() * 1e3, "ms", "");
  std::printf(
      "  sent by a rank: %.0f bytes; %.0f samples a second; the largest global batch that fits: %ld\n",
      p.sent_bytes, p.samples_per_second(), static_cast<long>(largest));
}

int run_plan(const PlanArguments& arguments, const run::Tables& tables) {
  run::RunConfig config(tables);
  const ConfigNodePtr root = read_yaml_file(arguments.config);
  run::read_named_config(root, arguments.config, arguments.assignments, arguments.allow_code, config);
  if (arguments.nodes > arguments.ranks)
    throw ConfigError("plan: --nodes: expected no more than --ranks = " + std::to_string(arguments.ranks) +
                      ", got " + std::to_string(arguments.nodes));
  const bool half = config.training.precision != engine::Precision::kFloat32;
  machine_for(arguments, {}, {}, half);  // checks the arguments before anything is measured
  const int64_t per_node = (arguments.ranks + arguments.nodes - 1) / arguments.nodes;
  const int cores = cpu_count();
  const int threads = static_cast<int>(config.threads.value_or(std::max<int64_t>(1, cores / per_node)));
  plan::Machine here = plan::this_host(per_node);
  const plan::StepCost cost =
      plan::probe_step({tables, root, arguments.config, arguments.assignments, arguments.allow_code,
                        arguments.classes, arguments.tokens, arguments.probe_rows, threads},
                       here);
  plan::slow_down(here, std::max(1.0, static_cast<double>(per_node * threads) / cores));
  const plan::Machine machine = machine_for(arguments, cost, here, half);
  const auto batch = static_cast<double>(config.global_batch);
  const plan::Prediction p = plan::predict(cost, machine, arguments.ranks, arguments.nodes, batch);
  const int64_t largest = plan::largest_batch(cost, machine, arguments.ranks, arguments.nodes);
  const auto fixed = plan::predict_doubling(cost, machine, per_node, batch, false);
  const auto growing = plan::predict_doubling(cost, machine, per_node, std::max(1.0, p.share), true);
  if (!arguments.json.empty())
    write_output(arguments.json,
                 json_text(plan::to_json(cost, machine, p, largest, fixed, growing), 2) + "\n");
  print(cost, machine, p, largest);
  print_table("The same global batch on more ranks", fixed, machine.memory_bytes);
  std::printf(
      "worthwhile up to %s: beyond that, twice the ranks give less than 1.5 times the samples per second\n",
      counted(plan::last_that_pays(fixed), "rank").c_str());
  print_table("The same rows a rank", growing, machine.memory_bytes);
  return kDone;
}

}  // namespace

void add_plan(CLI::App* plan, Action& action) {
  auto arguments = on<PlanArguments>(plan, action, run_plan);
  add_path(plan, "config", arguments->config, "Configuration file (YAML)")->required();
  add_set(plan, arguments->assignments);
  add_allow_code(plan, arguments->allow_code);
  plan->add_option("--ranks", arguments->ranks, "Number of ranks")
      ->check(CLI::Range(int64_t{1}, plan::kMostRanks))
      ->capture_default_str();
  plan->add_option("--nodes", arguments->nodes, "Number of hosts that the ranks are spread over")
      ->check(CLI::Range(int64_t{1}, plan::kMostRanks))
      ->capture_default_str();
  plan->add_option("--gpu", arguments->gpu,
                   "GPU of each rank: " + plan::gpu_names() + " (default: this host's CPU cores)");
  plan->add_option("--efficiency", arguments->efficiency,
                   "Fraction of the GPU's peak rate that matrix products reach")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  plan->add_option("--link", arguments->link,
                   "Network bandwidth of a node in each direction, such as 400gbit or 50GB per second")
      ->capture_default_str();
  plan->add_option("--latency", arguments->latency, "Network latency between nodes in microseconds")
      ->type_name("MICROSECONDS")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  plan->add_option("--classes", arguments->classes,
                   "Number of classes; required by losses that hold a proxy per class")
      ->check(CLI::NonNegativeNumber);
  plan->add_option(
          "--tokens", arguments->tokens,
          "Tokens per text, padding included (default: the largest number that the tokenizer allows)")
      ->check(CLI::PositiveNumber);
  plan->add_option("--probe-rows", arguments->probe_rows,
                   "Rows of the smaller of two trial batches (default: 8, or 32 for small images)")
      ->check(CLI::Range(4, 4096));
  add_path(plan, "--json", arguments->json, "File for the predicted figures as JSON");
}

}  // namespace lodestone::commands
