#include "trainer/commands/usage.h"

#include <algorithm>

#include "common/fields.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "common/words.h"
#include "trainer/run/key_synonyms.h"

namespace lodestone::commands {

namespace {

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string unknown(const std::string& what, const std::string& word, const std::vector<std::string>& known) {
  const std::string near = nearest_word(word, known);
  return "expected " + what + ", got '" + printable(word) + "'" +
         (near.empty() ? "" : "; did you mean '" + near + "'?");
}

// The key of a configuration that other programs call so; "" if there is none.
std::string key_called(std::string word) {
  std::ranges::replace(word, '-', '_');
  for (const KeySynonym& row : run::key_synonyms())
    if (is_one_of(row.words, word) && !row.keys.empty()) return row.keys.front();
  return "";
}

}  // namespace

std::string usage_problem(const CLI::App& app, const CLI::ParseError& error,
                          const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  std::string called = app.get_name(), problem = printable(error.what());
  size_t i = 0;
  for (; i < words.size(); ++i) {
    const auto names = command_names(*command);
    if (std::find(names.begin(), names.end(), words[i]) == names.end()) break;
    command = command->get_subcommand(words[i]);
    called += " " + words[i];
  }
  const auto commands = command_names(*command), options = option_names(*command);
  if (!commands.empty() && i < words.size() && !words[i].starts_with('-'))
    problem = unknown("a command (" + joined(commands) + ")", words[i], commands);
  else if (!commands.empty() && i == words.size())
    problem = "expected a command (" + joined(commands) + "), got none";
  else
    for (; i < words.size() && words[i] != "--"; ++i) {
      const std::string name = words[i].substr(0, words[i].find('='));
      if (!name.starts_with("--") || std::find(options.begin(), options.end(), name) != options.end())
        continue;
      problem = unknown("an option of `" + called + "`", name, options);
      const std::string key = key_called(name.substr(2));
      if (!key.empty() && std::ranges::find(options, "--set") != options.end())
        problem = "expected an option of `" + called + "`, got '" + printable(name) +
                  "'; did you mean '--set " + key + "=…'?";
      break;
    }
  return called + ": " + problem + "; `" + called + " --help` shows what it takes";
}

}  // namespace lodestone::commands
