#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include "common/causes.h"
#include "common/cpu_count.h"
#include "common/error.h"
#include "common/files.h"
#include "common/log_format.h"
#include "common/stderr_lines.h"
#include "trainer/commands/options.h"
#include "trainer/commands/session.h"
#include "trainer/commands/thread_spin.h"
#include "trainer/commands/usage.h"
#include "trainer/coordinator/build_info.h"

namespace lodestone {
namespace {

template <typename Arguments>
void add_inputs(CLI::App* command, Arguments& arguments) {
  add_path(command, "--input", arguments->inputs,
           "text files: .jsonl, .csv, .tsv, or one text a line; globs allowed")
      ->required();
  command
      ->add_option("--columns", arguments->columns,
                   "which columns or keys hold text; by default all, or the key text")
      ->delimiter(',');
  command->add_flag("--cased", arguments->cased, "wordpiece: keep capital letters, and accents");
}

void add_tokenizer(CLI::App* tokenizer, Action& action) {
  tokenizer->require_subcommand(1);
  auto* train = tokenizer->add_subcommand("train", "Make a vocabulary out of text");
  auto train_arguments = on<TokenizerTrainArguments>(train, action, run_tokenizer_train);
  add_inputs(train, train_arguments);
  train->add_option("--kind", train_arguments->kind, "wordpiece or sentencepiece")
      ->check(CLI::IsMember({"wordpiece", "sentencepiece"}))
      ->capture_default_str();
  train->add_option("--vocabulary", train_arguments->vocabulary, "how many tokens")
      ->check(CLI::Range(16, 1 << 20))
      ->capture_default_str();
  add_path(train, "--output", train_arguments->output, "vocab.txt, or a file named *.model")->required();

  auto* encode = tokenizer->add_subcommand("encode", "Print the ids of texts, a line for each");
  auto encode_arguments = on<TokenizerEncodeArguments>(encode, action, run_tokenizer_encode);
  add_inputs(encode, encode_arguments);
  add_path(encode, "--tokenizer", encode_arguments->tokenizer, "vocab.txt, or a SentencePiece model")
      ->required();
  encode
      ->add_option("--kind", encode_arguments->kind,
                   "auto: sentencepiece for a file named *.model, else wordpiece")
      ->check(CLI::IsMember({"auto", "wordpiece", "sentencepiece"}))
      ->capture_default_str();
  encode
      ->add_option("--strip-accents", encode_arguments->strip_accents,
                   "wordpiece: auto is yes unless --cased")
      ->check(CLI::IsMember({"auto", "yes", "no"}))
      ->capture_default_str();
  encode
      ->add_option("--ids", encode_arguments->ids,
                   "sentencepiece: whose numbers its pieces have, as data.text.tokenizer.ids")
      ->check(CLI::IsMember({"auto", "sentencepiece", "xlm_roberta"}))
      ->capture_default_str();
  encode->add_option("--max-tokens", encode_arguments->max_tokens, "a longer text loses its end")
      ->check(CLI::Range(3, 65536))
      ->capture_default_str();
  encode->add_flag("--tokens", encode_arguments->tokens, "print the tokens instead");
}

std::shared_ptr<TrainArguments> add_train(CLI::App& app, Action& action) {
  auto* train = app.add_subcommand("train", "Train an encoder; under mpirun or srun, on all ranks");
  auto arguments = on<TrainArguments>(train, action, run_train, /*heeds=*/true);
  add_path(train, "config", arguments->config, "YAML file")->required();
  add_set(train, arguments->assignments);
  add_allow_code(train, arguments->allow_code);
  add_path(train, "--resume", arguments->resume,
           "auto (go on if the run folder has a checkpoint), none, or a checkpoint")
      ->capture_default_str();
  return arguments;
}

std::shared_ptr<TrainArguments> add_commands(CLI::App& app, Action& action);

// The command behind `--` is parsed here too, so that a slip in it is told before mpirun starts.
void read_launched(LaunchArguments& arguments) {
  CLI::App inner{"The command that is launched", "lodestone"};
  inner.require_subcommand(1);
  Action ignored;
  const auto train = add_commands(inner, ignored);
  try {
    inner.parse(std::vector<std::string>(arguments.command.rbegin(), arguments.command.rend()));
  } catch (const CLI::Success&) {
    throw;
  } catch (const CLI::ParseError& error) {
    throw ConfigError(usage_problem(inner, error, arguments.command));
  }
  if (inner.got_subcommand("launch"))
    throw CLI::ValidationError("launch: expected another command behind --, got launch");
  if (inner.got_subcommand("train")) arguments.train = *train;
}

void add_launch(CLI::App& app, Action& action) {
  auto* launch = app.add_subcommand("launch",
                                    "Start a command on several ranks, by mpirun, and start it again from "
                                    "its newest checkpoint when a rank is lost");
  auto arguments = std::make_shared<LaunchArguments>();
  launch
      ->add_option("-n,--ranks", arguments->ranks, "how many (default: all slots of --hostfile; without, 1)")
      ->check(CLI::Range(1, 65536));
  launch->add_option("--max-restarts", arguments->max_restarts, "how often it is started again at most")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  launch
      ->add_option(
          "--min-ranks", arguments->min_ranks,
          "go on with the ranks that are left when hosts are gone or restarts get nowhere, down to this many "
          "(default: -n)")
      ->check(CLI::Range(1, 65536));
  add_path(launch, "--hostfile", arguments->hostfile,
           "Open MPI's: lines of host slots=N (default: this host)");
  launch->add_option("command", arguments->command, "of this program, behind --: train CONFIG ...")
      ->required();
  launch->callback([&action, arguments] {
    read_launched(*arguments);
    action = [arguments] { return run_launch(*arguments); };
  });
}

void add_plan(CLI::App& app, Action& action) {
  auto* plan = app.add_subcommand("plan",
                                  "Memory, bytes and time of a configuration on ranks that there need not "
                                  "be: measured in small, then modelled");
  auto arguments = on<PlanArguments>(plan, action, run_plan);
  add_path(plan, "config", arguments->config, "YAML file")->required();
  add_set(plan, arguments->assignments);
  add_allow_code(plan, arguments->allow_code);
  plan->add_option("--ranks", arguments->ranks, "how many")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  plan->add_option("--nodes", arguments->nodes, "hosts that they are on")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  plan->add_option("--gpu", arguments->gpu,
                   "each rank's: h100, h200, a100 or l40s (default: the cores of this host)");
  plan->add_option("--efficiency", arguments->efficiency, "share of the GPU's peak that products reach")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  plan->add_option("--link", arguments->link, "bandwidth of a node, each way: 400gbit, 50GB")
      ->capture_default_str();
  plan->add_option("--latency", arguments->latency, "between nodes")
      ->type_name("MICROSECONDS")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  plan->add_option("--classes", arguments->classes, "of losses that have a proxy for each")
      ->check(CLI::NonNegativeNumber);
  plan->add_option("--tokens", arguments->tokens,
                   "of a text, padding included (default: as many as the tokenizer lets through)")
      ->check(CLI::PositiveNumber);
  plan->add_option("--probe-rows", arguments->probe_rows,
                   "rows of the smaller of two trial batches (default: 8; 32 of small pictures)")
      ->check(CLI::Range(4, 4096));
  add_path(plan, "--json", arguments->json, "write the figures to this file");
}

void add_doctor(CLI::App& app, Action& action) {
  auto* doctor = app.add_subcommand(
      "doctor",
      "What this host can do and what is missing; under mpirun or srun, what lies between ranks too");
  auto arguments = on<DoctorArguments>(doctor, action, run_doctor);
  add_path(doctor, "--folder", arguments->folder, "where checkpoints are to go: its file system is tried")
      ->capture_default_str();
  doctor->add_option("--port", arguments->port, "a metrics.port that must be free")
      ->check(CLI::Range(1, 65535));
  doctor->add_flag("--json", arguments->json, "as JSON, with the measured figures");
}

std::shared_ptr<TrainArguments> add_commands(CLI::App& app, Action& action) {
  const auto train_arguments = add_train(app, action);
  add_launch(app, action);

  auto* evaluate = app.add_subcommand("evaluate", "Judge a trained encoder on classes it has never seen");
  auto evaluate_arguments = on<EvaluateArguments>(evaluate, action, run_evaluate);
  add_path(evaluate, "run", evaluate_arguments->run, "run folder or checkpoint")->required();
  add_set(evaluate, evaluate_arguments->assignments);
  add_allow_code(evaluate, evaluate_arguments->allow_code);
  add_path(evaluate, "--json", evaluate_arguments->json, "write the measures to this file");
  evaluate
      ->add_option(
          "--calibrate", evaluate_arguments->calibrate,
          "set the score that means \"same\" at this false accept rate, and keep it in the run folder")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("RATE");
  evaluate
      ->add_option("--bootstrap", evaluate_arguments->bootstrap,
                   "resamples of the classes for the 95 % intervals; 0: none")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  add_use_commands(app, action);

  auto* verify =
      app.add_subcommand("verify-gradients", "Compare loss, gradients and mined tuples with one process");
  auto verify_arguments = on<VerifyArguments>(verify, action, run_verify_gradients);
  add_path(verify, "config", verify_arguments->config, "YAML file")->required();
  add_set(verify, verify_arguments->assignments);
  add_allow_code(verify, verify_arguments->allow_code);
  verify->add_flag("--all", verify_arguments->all,
                   "every loss and miner there is, in place of the configured ones");
  verify->add_option("--batches", verify_arguments->batches, "first batches to compare")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  add_path(verify, "--json", verify_arguments->json, "write the table to this file");

  auto* config =
      app.add_subcommand("config", "Print the resolved configuration, every key, or its JSON Schema");
  auto config_arguments = on<ConfigArguments>(config, action, run_config);
  add_path(config, "config", config_arguments->config, "YAML file");
  add_set(config, config_arguments->assignments);
  config->add_flag("--reference", config_arguments->reference, "every key with its default and meaning");
  config->add_flag("--schema", config_arguments->schema, "JSON Schema of the configuration");

  auto* data = app.add_subcommand("data", "Make a data set from the distribution's packages");
  auto data_arguments = on<DataArguments>(data, action, run_data);
  data->add_option("kind", data_arguments->kind,
                   "typefaces: letters; emoji: pictures with captions; wordnet: definitions and words; cldr: "
                   "names in 21 languages")
      ->required()
      ->check(CLI::IsMember({"typefaces", "emoji", "wordnet", "cldr"}));
  add_path(data, "--output", data_arguments->output, "folder to make")->required();
  add_path(data, "--fonts", data_arguments->font_roots,
           "typefaces: folders with font files (default: the system's)");
  add_path(data, "--source", data_arguments->source,
           "wordnet, cldr, emoji: folder with WordNet's data.* or CLDR's main/, annotations/ … "
           "(default: the package's)");

  add_bench_commands(app, action);

  add_tokenizer(
      app.add_subcommand("tokenizer", "Make a vocabulary for texts, or look at what one makes of them"),
      action);

  auto* inspect = app.add_subcommand("inspect", "Print a checkpoint and verify every byte of it");
  auto path = std::make_shared<std::string>();
  add_path(inspect, "checkpoint", *path, "checkpoint or run folder")->required();
  inspect->callback([&action, path] {
    action = [path] {
      const EndOnSignal ending;
      return run_inspect(*path);
    };
  });

  add_plan(app, action);
  add_doctor(app, action);
  return train_arguments;
}

// Threads of what is computed before a Session, or without one, sets them.
void use_no_more_than_the_quota() {
  if (std::getenv("OMP_NUM_THREADS") == nullptr) at::set_num_threads(cpu_count());
}

void tell(const std::exception& error) {
  if (dynamic_cast<const ConfigError*>(&error) && !speaks_for_its_host()) return;
  if (log_format() == LogFormat::kJson)
    make_log(-1, 1)->error("{}", explain_on_a_line(error));
  else
    std::cerr << "lodestone: error: " << explain(error) << std::endl;
}

int run(int argc, char** argv) {
  check_log_variables();
  CLI::App app{"Lodestone trains embedding models with negatives mined from the global batch.", "lodestone"};
  app.set_version_flag("--version", std::string("lodestone ") + lodestone_version());
  app.require_subcommand(1);
  Action action;
  add_commands(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    throw ConfigError(usage_problem(app, error, std::vector<std::string>(argv + 1, argv + argc)));
  }
  // `launch` waits for signals on its one thread: a thread of LibTorch's pool beside it would take them, and end it.
  if (!app.got_subcommand("launch")) use_no_more_than_the_quota();
  return action();
}

// Results that did not reach the disk behind stdout are not there: a script is to know.
void check_stdout() {
  std::cout.flush();
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good()) return;
  throw IoError(std::string("stdout: expected room for what the command prints, got ") +
                (errno != 0 ? std::strerror(errno) : "an error when it was written") +
                "; free some, or send it elsewhere");
}

// One that is closed would be the number of the next file that is opened, and what is printed would stand in it.
void open_standard_streams() {
  while (true) {
    const int fd = ::open("/dev/null", O_RDWR);
    if (fd < 0 || fd > STDERR_FILENO) {
      if (fd >= 0) ::close(fd);
      return;
    }
  }
}

// Open MPI's ranks listen for other hosts on every network unless told that there are none. Before MPI reads the environment.
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
}  // namespace lodestone

int main(int argc, char** argv) {
  lodestone::open_standard_streams();
  lodestone::listen_on_loopback_alone();
  lodestone::spin_briefly(argv);
  // Tensors of a few MiB come and go with every tile and layer: kept by the allocator, they cost no page faults.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 28);
  const lodestone::StderrLines lines(lodestone::make_log(-1, 1));
  try {
    const int code = lodestone::run(argc, argv);
    lodestone::check_stdout();
    return code;
  } catch (const std::exception& error) {
    lodestone::tell(error);
    return lodestone::exit_code(error);
  }
}
