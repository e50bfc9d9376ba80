#include <algorithm>
#include <chrono>
#include <cstdio>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/randn.h>
#include <nlohmann/json.hpp>

#include "common/json_text.h"
#include "common/output_file.h"
#include "common/peak_memory.h"
#include "common/safetensors.h"
#include "trainer/commands/verb.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/plan/lower_bound.h"
#include "trainer/run/ranks.h"
#include "trainer/run/run_config.h"

namespace lodestone::commands {

namespace {

struct BenchLossArguments {
  std::vector<std::string> losses = {"supcon"};
  std::vector<std::string> miners = {"all"};
  std::vector<int64_t> sizes = {4096};
  std::vector<int64_t> widths = {128};
  int64_t per_class = 4;
  int64_t repeat = 5;
  std::optional<int64_t> threads;
  std::vector<std::string> assignments;
  std::string rows;
  std::string json;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Rows {
  negatives::LocalRows first, second;
  std::optional<negatives::RowSet> proxies;
};

// This rank's share of N rows on its device, `per_class` consecutive rows of each class; the rows do not
// depend on the number of ranks.
Rows rows_for(const BenchLossArguments& arguments, const coordinator::RunContext& context, int64_t size,
              int64_t width) {
  at::Tensor z_ND, other_ND, label_N;
  if (!arguments.rows.empty()) {
    TensorMap file = read_safetensors(arguments.rows);
    for (const char* name : {"z", "label"})
      if (!file.contains(name))
        throw DataError(arguments.rows + ": expected tensors z [N, D] float32 and label [N] int64, got no '" +
                        name + "'");
    z_ND = file["z"];
    label_N = file["label"];
    other_ND = file.contains("z2") ? file["z2"] : z_ND;
  } else {
    z_ND = plan::normal_rows(size, width, 1);
    other_ND = plan::normal_rows(size, width, 2);
    label_N = at::arange(size).floor_divide(arguments.per_class);
  }
  const distributed::Group& world = context.world;
  const c10::Device device = context.launch.device();
  const int64_t begin = z_ND.size(0) * world.rank() / world.size(),
                end = z_ND.size(0) * (world.rank() + 1) / world.size();
  const auto own = [&](const at::Tensor& x) {
    return x.narrow(0, begin, end - begin).contiguous().to(device);
  };
  const at::Tensor label_b = own(label_N), id_b = own(at::arange(z_ND.size(0)));
  Rows rows{{own(z_ND), label_b, label_b, id_b}, {own(other_ND), label_b, label_b, id_b}, {}};
  const int64_t classes = label_N.max().item<int64_t>() + 1;
  const int64_t first = classes * world.rank() / world.size(),
                last = classes * (world.rank() + 1) / world.size();
  const at::Tensor class_n = at::arange(first, last).to(device),
                   row_nD = plan::normal_rows(classes, z_ND.size(1), 3).narrow(0, first, last - first);
  rows.proxies =
      negatives::shard_rows(negatives::normalised(row_nD.to(device)), class_n, class_n, -1 - class_n);
  return rows;
}

// The memory that the loss may use besides its rows: four times its own rows and the rows they are compared
// with, and some tiles.
double bound_mib(const Rows& rows, int64_t references, int64_t width) {
  const auto local = static_cast<double>(rows.first.z_bD.size(0));
  return 4 * (local + static_cast<double>(references)) * static_cast<double>(width) * 4 / (1 << 20) + 64;
}

nlohmann::json measure(const coordinator::RunContext& context, const BenchLossArguments& arguments,
                       const run::RunConfig& config, int64_t size, int64_t width, plan::ProductRates& rates) {
  Rows rows = rows_for(arguments, context, size, width);
  negatives::StepInput input;
  if (config.loss->pairing() == losses::Pairing::kTowers) input.second = rows.second;
  if (config.loss->uses_proxies()) input.shard = rows.proxies;
  const auto once = [&] {
    return negatives::global_batch_loss(context.world, rows.first, config.objective(), input);
  };
  PeakMemory memory(context.launch.device());
  negatives::StepLoss step = once();
  const double extra_mib = memory.extra_mib();
  std::vector<double> seconds;
  int64_t sent = 0;
  for (int64_t i = 0; i < arguments.repeat; ++i) {
    context.world.barrier();
    const int64_t before = context.world.traffic().bytes();
    const double start = now();
    step = once();
    plan::wait_for(step.gradient_bD);
    seconds.push_back(now() - start);
    sent = context.world.traffic().bytes() - before;
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  const int64_t references = input.shard ? rows.proxies->size() : size;
  const plan::Work work = plan::least_work(config.objective(), context.world.size(), size, references, width);
  const double baseline = rates.seconds(work, width);
  const double norm = step.gradient_bD.numel() ? step.gradient_bD.to(at::kDouble).norm().item<double>() : 0;
  return {{"loss", config.loss.name()},
          {"miner", config.miner.name()},
          {"size", size},
          {"width", width},
          {"world", context.world.size()},
          {"seconds", median},
          {"seconds_min", seconds.front()},
          {"floor_seconds", baseline},
          {"ratio", median / baseline},
          {"extra_mib", extra_mib},
          {"bound_mib", bound_mib(rows, references, width)},
          {"sent_bytes", sent},
          {"value", step.loss},
          {"gradient_norm", norm}};
}

void print(const nlohmann::json& r) {
  std::printf("%-19s %-17s %7ld %5ld %5d %10.4f %10.4f %6.2f %10.1f %9.1f %12ld\n",
              r["loss"].get<std::string>().c_str(), r["miner"].get<std::string>().c_str(),
              r["size"].get<long>(), r["width"].get<long>(), r["world"].get<int>(),
              r["seconds"].get<double>(), r["floor_seconds"].get<double>(), r["ratio"].get<double>(),
              r["extra_mib"].get<double>(), r["bound_mib"].get<double>(), r["sent_bytes"].get<long>());
  std::fflush(stdout);
}

run::RunConfig config_for(const BenchLossArguments& arguments, const run::Tables& tables,
                          const std::string& loss, const std::string& miner) {
  run::RunConfig config(tables);
  config.threads = arguments.threads;
  const ConfigNodePtr root = parse_yaml("loss: {name: " + loss + "}\nminer: {name: " + miner + "}", "bench");
  for (const auto& assignment : arguments.assignments) apply_set(root, assignment);
  read_fields(root, [&](Fields& f) { config.visit(f); });
  return config;
}

int bench(const coordinator::RunContext& context, const BenchLossArguments& arguments,
          const run::Tables& tables) {
  at::NoGradGuard no_grad;
  const c10::Device device = context.launch.device();
  if (context.is_main_rank()) {
    const auto& routine = plan::product_routine(device, context.world.size());
    std::printf(
        "%d rank(s) x %d thread(s) on %s, float32; %s\n%-19s %-17s %7s %5s %5s %10s %10s %6s %10s %9s %12s\n",
        context.world.size(), at::get_num_threads(), device.str().c_str(), routine.c_str(), "loss", "miner",
        "size", "width", "world", "seconds", "floor", "ratio", "extra MiB", "bound", "bytes sent");
  }
  plan::ProductRates rates(device);
  nlohmann::json results = nlohmann::json::array();
  for (const auto& loss : arguments.losses)
    for (const auto& miner : arguments.miners) {
      const run::RunConfig config = config_for(arguments, tables, loss, miner);
      try {
        config.objective().check({.losses = tables.losses(), .miners = tables.miners()});
      } catch (const ConfigError&) {
        if (arguments.losses.size() * arguments.miners.size() == 1) throw;
        continue;  // a grid also contains combinations that do not exist
      }
      for (const int64_t size : arguments.sizes)
        for (const int64_t width : arguments.widths) {
          results.push_back(measure(context, arguments, config, size, width, rates));
          if (!context.is_main_rank()) continue;
          const nlohmann::json all = {{"threads", at::get_num_threads()},
                                      {"device", device.str()},
                                      {"world", context.world.size()},
                                      {"results", results}};
          if (!arguments.json.empty()) write_output(arguments.json, json_text(all, 2) + "\n");
          print(results.back());
        }
    }
  return kDone;
}

int run_bench_loss(const BenchLossArguments& given, const run::Tables& tables) {
  BenchLossArguments arguments = given;
  if (!arguments.rows.empty()) {
    const TensorMap file = read_safetensors(arguments.rows);
    const auto z = file.find("z");
    if (z == file.end() || z->second.dim() != 2)
      throw DataError(arguments.rows + ": expected a tensor z [N, D], got none; write one with safetensors");
    arguments.sizes = {z->second.size(0)};
    arguments.widths = {z->second.size(1)};
  }
  // Only settings of the ranks have an effect here, such as distributed.device.
  const run::RunConfig config =
      config_for(arguments, tables, arguments.losses.front(), arguments.miners.front());
  return run::run_on_ranks(
      config, [&](coordinator::RunContext& context) { return bench(context, arguments, tables); });
}

}  // namespace

void add_bench_loss(CLI::App* loss, Action& action) {
  auto arguments = on<BenchLossArguments>(loss, action, run_bench_loss);
  loss->add_option("--losses", arguments->losses, "Names of the losses to measure, separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  loss->add_option("--miners", arguments->miners,
                   "Names of the miners to combine with the losses, separated by commas; combinations that "
                   "do not fit are skipped")
      ->delimiter(',')
      ->capture_default_str();
  loss->add_option("--sizes", arguments->sizes,
                   "Rows of the global batch, one or more numbers separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  loss->add_option("--widths", arguments->widths,
                   "Embedding dimensions, one or more numbers separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  loss->add_option("--per-class", arguments->per_class, "Rows of each class in a batch")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  loss->add_option("--repeat", arguments->repeat,
                   "Number of timed rounds after one warm-up round; their median is reported")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  loss->add_option("--threads", arguments->threads,
                   "Threads of each rank (default: the available CPUs divided among the ranks)");
  add_path(
      loss, "--rows", arguments->rows,
      "Safetensors file with the rows to use: z [N, D] float32, label [N] int64, z2 [N, D] (two towers)");
  add_path(loss, "--json", arguments->json, "File for the results as JSON");
  add_set(loss, arguments->assignments);
}

}  // namespace lodestone::commands
