#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/exit_code.h"
#include "common/paths.h"
#include "trainer/coordinator/faults/end_on_signal.h"
#include "trainer/run/tables.h"

namespace lodestone::commands {

/// The command that the command line selected. It gets the losses, miners and encoders of this program.
using Action = std::function<int(const run::Tables&)>;

inline void add_set(CLI::App* command, std::vector<std::string>& assignments) {
  command
      ->add_option("--set", assignments,
                   "Configuration value that overrides the file, as key.path=value; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
}

/// For a command that takes a run folder, a checkpoint or a configuration, whose author may be untrusted.
inline void add_allow_code(CLI::App* command, bool& allow_code) {
  command->add_flag(
      "--allow-code", allow_code,
      "Load the code (TorchScript) that the configuration names; it runs with your permissions");
}

/// Adds an option or positional argument for one or several paths: expands ~/ and
/// refuses scheme:// (user_path).
template <typename Member>
CLI::Option* add_path(CLI::App* command, const std::string& name, Member& member, const std::string& doc) {
  CLI::Option* option = command->add_option(name, member, doc);
  option->transform([name](const std::string& value) { return user_path(value, name); });
  return option;
}

/// Creates the arguments of a command, which the command's action owns. `run` takes them, and the tables if
/// it reads a configuration. A signal ends the command, unless the command handles signals itself from the
/// beginning.
template <typename Arguments, typename Run>
std::shared_ptr<Arguments> on(CLI::App* command, Action& action, Run run, bool handles_signals = false) {
  auto arguments = std::make_shared<Arguments>();
  command->callback([&action, arguments, run, handles_signals] {
    action = [arguments, run, handles_signals](const run::Tables& tables) {
      std::optional<coordinator::EndOnSignal> ending;
      if (!handles_signals) ending.emplace();
      if constexpr (std::is_invocable_v<Run, const Arguments&>)
        return run(*arguments);
      else
        return run(*arguments, tables);
    };
  });
  return arguments;
}

/// A verb of the command line. Its file declares the options on `command` and sets the action if the user
/// selects it. Results go to stdout, progress to stderr; errors are thrown.
///
///     struct EmbedArguments { std::string run, output; };
///     int run_embed(const EmbedArguments& arguments, const run::Tables& tables);  // the process's exit code
///     void add_embed(CLI::App* command, Action& action) {
///       auto arguments = on<EmbedArguments>(command, action, run_embed);
///       add_path(command, "run", arguments->run, "Run folder or checkpoint")->required();
///     }
struct Verb {
  const char* name;  ///< "embed"; "bench loss" is the verb loss of the group bench
  const char* doc;
  void (*add)(CLI::App* command, Action& action);
};

/// Adds every verb to the command line.
void add_verbs(CLI::App& app, Action& action);

}  // namespace lodestone::commands
