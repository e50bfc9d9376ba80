#include "trainer/init/init.h"

#include <iostream>

#include "common/printable.h"
#include "trainer/commands/verb.h"

namespace lodestone::commands {

namespace {

void print_lines(const char* title, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) std::cout << title << printable(line) << '\n';
}

int run_init(const init::Options& options, const run::Tables& tables) {
  const init::Made made = init::make_configuration(options, tables);
  print_lines("found:    ", {made.found});
  print_lines("chose:    ", made.chosen);
  print_lines("measured: ", {made.measured});
  print_lines("guessed:  ", made.guessed);
  print_lines("not used: ", made.others);
  print_lines("written:  ", {made.configuration + (made.vocabulary.empty() ? "" : ", " + made.vocabulary)});
  print_lines("next:     ", {"lodestone train " + made.configuration});
  return kDone;
}

}  // namespace

void add_init(CLI::App* command, Action& action) {
  auto arguments = on<init::Options>(command, action, run_init);
  add_path(
      command, "--from", arguments->from,
      "Folder of class folders or of splits, tar shards, list of images, table of texts, pairs or captions "
      "(*.csv, *.tsv, *.jsonl), list of image pairs or triplets, or IDX files")
      ->required();
  add_path(command, "--output", arguments->output,
           "Configuration to write (default: the name of --from with .yaml, in the working folder)");
  command
      ->add_option("--minutes", arguments->minutes,
                   "Time that the training may take on this machine, evaluations included")
      ->check(CLI::Range(0.01, 1e6))
      ->capture_default_str();
  command->add_flag("--force", arguments->force, "Replace files that exist already");
}

}  // namespace lodestone::commands
