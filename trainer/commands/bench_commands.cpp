#include "trainer/commands/options.h"

namespace lodestone {

namespace {

void add_bench_loss(CLI::App* bench, Action& action) {
  auto* loss = bench->add_subcommand(
      "loss", "Loss and gradient over a global batch: time, memory, bytes sent, and the floor");
  auto arguments = on<BenchLossArguments>(loss, action, run_bench_loss);
  loss->add_option("--losses", arguments->losses, "by name, separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  loss->add_option("--miners", arguments->miners, "by name; combinations that don't go together are left out")
      ->delimiter(',')
      ->capture_default_str();
  loss->add_option("--sizes", arguments->sizes, "rows of the global batch")
      ->delimiter(',')
      ->capture_default_str();
  loss->add_option("--widths", arguments->widths, "of the embeddings")->delimiter(',')->capture_default_str();
  loss->add_option("--per-class", arguments->per_class, "rows of each class")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  loss->add_option("--repeat", arguments->repeat, "timed rounds after one to warm up; the median counts")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  loss->add_option("--threads", arguments->threads,
                   "of each rank (default: the CPUs that may be used, shared out)");
  add_path(loss, "--rows", arguments->rows,
           "take rows from this safetensors file: z [N, D] float32, label [N] int64, "
           "for two towers z2 too");
  add_path(loss, "--json", arguments->json, "write the results to this file");
  add_set(loss, arguments->assignments);
}

void add_bench_loader(CLI::App* bench, Action& action) {
  auto* loader = bench->add_subcommand(
      "loader",
      "Reading, decoding and transforming in the loader: pictures per second and core, beside a bare loop");
  auto arguments = on<BenchLoaderArguments>(loader, action, run_bench_loader);
  add_path(loader, "config", arguments->config, "YAML file")->required();
  add_set(loader, arguments->assignments);
  add_allow_code(loader, arguments->allow_code);
  loader->add_option("--seconds", arguments->seconds, "of each measurement")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  loader->add_option("--rounds", arguments->rounds, "loop and loader by turns; the median ratio counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_path(loader, "--json", arguments->json, "write the results to this file");
}

void add_bench_collectives(CLI::App* bench, Action& action) {
  auto* collectives = bench->add_subcommand(
      "collectives",
      "What ranks exchange: time, bytes and bandwidth by verb and size, on the ranks it is started with");
  auto arguments = on<BenchCollectivesArguments>(collectives, action, run_bench_collectives);
  collectives->add_option("--verbs", arguments->verbs, "by name, separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  collectives->add_option("--sizes", arguments->sizes, "bytes that each rank holds")
      ->delimiter(',')
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  collectives
      ->add_option("--repeat", arguments->repeat, "timed rounds after one to warm up; the median counts")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_path(collectives, "--json", arguments->json, "write the results to this file");
  add_set(collectives, arguments->assignments);
}

void add_bench_step(CLI::App* bench, Action& action) {
  auto* step = bench->add_subcommand(
      "step",
      "Whole training steps of a configuration on batches in memory: samples per second, seconds by phase");
  auto arguments = on<BenchStepArguments>(step, action, run_bench_step);
  add_path(step, "config", arguments->config, "YAML file")->required();
  step->add_option("--steps", arguments->steps, "timed steps")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  step->add_option("--warm-up", arguments->warm_up, "steps before them")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  step->add_option("--batches", arguments->batches, "different global batches, taken in turns")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_path(step, "--rows", arguments->rows,
           "take the global batches from this safetensors file, in place of the configuration's data: "
           "label [S, B] int64 and pixels [S, B, C, H, W] float32");
  add_path(step, "--weights", arguments->weights,
           "start from this safetensors file of the encoder's tensors by name");
  add_path(step, "--json", arguments->json, "write the result to this file");
  add_set(step, arguments->assignments);
  add_allow_code(step, arguments->allow_code);
}

void add_bench_checkpoint(CLI::App* bench, Action& action) {
  auto* checkpoint = bench->add_subcommand(
      "checkpoint",
      "Saving weights and moments: what a step waits, beside one memcpy, and the whole, beside a raw write");
  auto arguments = on<BenchCheckpointArguments>(checkpoint, action, run_bench_checkpoint);
  checkpoint->add_option("--parameters", arguments->parameters, "weights; with moments 12 bytes each")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_path(checkpoint, "--folder", arguments->folder, "on the file system to measure")->capture_default_str();
  checkpoint->add_option("--repeat", arguments->repeat, "rounds; the medians count")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_path(checkpoint, "--json", arguments->json, "write the result to this file");
  add_set(checkpoint, arguments->assignments);
}

}  // namespace

void add_bench_commands(CLI::App& app, Action& action) {
  auto* bench = app.add_subcommand("bench", "Time the parts that decide how fast training is");
  bench->require_subcommand(1);
  add_bench_loader(bench, action);
  add_bench_loss(bench, action);
  add_bench_collectives(bench, action);
  add_bench_step(bench, action);
  add_bench_checkpoint(bench, action);
}

}  // namespace lodestone
