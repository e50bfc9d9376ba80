#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/exit_code.h"
#include "common/paths.h"
#include "trainer/coordinator/faults/end_on_signal.h"

namespace lodestone {

/// What the command line asked for.
using Action = std::function<int()>;

inline void add_set(CLI::App* command, std::vector<std::string>& assignments) {
  command->add_option("--set", assignments, "key.path=value, over what the file says; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
}

/// For a command that takes a run folder, a checkpoint or a configuration, which may be somebody else's.
inline void add_allow_code(CLI::App* command, bool& allow_code) {
  command->add_flag("--allow-code", allow_code,
                    "load the code (TorchScript) that a run's configuration names; it runs with your rights");
}

/// An option or a positional argument that takes a path, or several: ~/ is expanded, scheme:// refused (user_path).
template <typename Member>
CLI::Option* add_path(CLI::App* command, const std::string& name, Member& member, const std::string& doc) {
  CLI::Option* option = command->add_option(name, member, doc);
  option->transform([name](const std::string& value) { return user_path(value, name); });
  return option;
}

/// A command's arguments, which live in its action. A signal ends the command, unless it `heeds` signals
/// itself from its first line on.
template <typename Arguments>
std::shared_ptr<Arguments> on(CLI::App* command, Action& action, int (*run)(const Arguments&),
                              bool heeds = false) {
  auto arguments = std::make_shared<Arguments>();
  command->callback([&action, arguments, run, heeds] {
    action = [arguments, run, heeds] {
      std::optional<EndOnSignal> ending;
      if (!heeds) ending.emplace();
      return run(*arguments);
    };
  });
  return arguments;
}

/// A verb of the command line. Its file declares its options on `command`, and sets the action when the user chose it. Results go to
/// stdout, progress to stderr; errors are thrown.
///
///     struct EmbedArguments { std::string run, output; };
///     int run_embed(const EmbedArguments& arguments);  // the process's exit code
///     void add_embed(CLI::App* command, Action& action) {
///       auto arguments = on<EmbedArguments>(command, action, run_embed);
///       add_path(command, "run", arguments->run, "run folder or checkpoint")->required();
///     }
struct Verb {
  const char* name;  ///< "embed"; "bench loss" is loss of the group bench
  const char* doc;
  void (*add)(CLI::App* command, Action& action);
};

/// Adds every verb to the command line.
void add_verbs(CLI::App& app, Action& action);

/// Queries whose answers are printed though they are written to a file too; of more a summary is printed.
constexpr size_t kShownBesideFile = 10;

}  // namespace lodestone
