#include "trainer/commands/usage.h"

#include <algorithm>

#include "common/fields.h"
#include "common/key_index.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "common/words.h"
#include "trainer/run/key_synonyms.h"
#include "trainer/run/run_config.h"

namespace lodestone::commands {

namespace {

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

// Of options that help shows, or of all.
std::vector<std::string> option_names(const CLI::App& app, bool shown) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames())
      if (!shown || !option->get_group().empty()) names.push_back("--" + name);
  return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Words of other programs for an option.
struct Synonym {
  const char* word;
  const char* option;
};
constexpr Synonym kSynonyms[] = {
    {"--query", "--input"},      {"--queries", "--input"}, {"--image", "--input"},
    {"--images", "--input"},     {"--file", "--input"},    {"--folder", "--input"},
    {"--text", "--input"},       {"--data", "--input"},    {"--in", "--input"},
    {"-i", "--input"},           {"--out", "--output"},    {"-o", "--output"},
    {"--save", "--output"},      {"--to", "--output"},     {"--embeddings", "--gallery"},
    {"--database", "--gallery"}, {"-g", "--gallery"},      {"--measures", "--metrics"},
    {"--top-k", "-k"},           {"--topk", "-k"},         {"--dataset", "--data"},
    {"--input", "--data"},       {"--config", "config"},   {"--model", "model"},
    {"--run", "model"},          {"--weights", "model"},   {"--ckpt", "model"},
};

// The option, or the positional argument, that `word` is a synonym of; "" if this command has none.
std::string option_meant(const CLI::App& command, const std::string& word) {
  for (const Synonym& synonym : kSynonyms) {
    const CLI::Option* option = command.get_option_no_throw(synonym.option);
    if (word == synonym.word && option != nullptr && !option->get_group().empty()) return synonym.option;
  }
  return "";
}

/// A key of the configuration, and what `--set` gives it.
struct KeyMeant {
  std::string key;  ///< "": none
  std::string value = "…";
};

// The key that is called so, here or in other programs. Its value is that of the command line, unless it is
// in other units there.
KeyMeant key_called(std::string word, const std::string& value) {
  std::ranges::replace(word, '-', '_');
  for (const KeySynonym& row : run::key_synonyms())
    if (is_one_of(row.words, word) && !row.keys.empty())
      return {row.keys.front(), value.empty() || *row.note != 0 ? "…" : value};
  run::RunConfig config{run::Tables()};
  KeyIndex index;
  config.visit(index);
  const auto places = index.has(word) ? std::vector{word} : index.ending_with(word);
  if (places.size() == 1) return {places.front(), value.empty() ? "…" : value};
  return {};
}

// `value` is the word that stands behind the option; it may be empty.
std::string unknown_option(const CLI::App& command, const std::string& called, const std::string& word,
                           const std::string& value) {
  const std::string meant = option_meant(command, word);
  const bool sets = command.get_option_no_throw("--set") != nullptr;
  const KeyMeant key =
      sets && word.starts_with("--") && meant.empty() ? key_called(word.substr(2), value) : KeyMeant();
  if (!key.key.empty())
    return "expected an option of `" + called + "`, got '" + printable(word) + "'; did you mean '--set " +
           key.key + "=" + printable(key.value) + "'?";
  const std::string near = meant.empty() ? nearest_word(word, option_names(command, /*shown=*/true)) : meant;
  std::string text = "expected an option of `" + called + "`, got '" + printable(word) + "'";
  if (near.empty()) return text;
  if (!near.starts_with('-')) return text + "; name the " + near + " without it, as the first argument";
  return text + "; did you mean '" + near + "'?";
}

// `words` are those after the command's name.
std::string problem_of_arguments(const CLI::App& command, const std::string& called,
                                 const std::vector<std::string>& words, const CLI::ParseError& error) {
  const auto options = option_names(command, /*shown=*/false);
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") break;
    const std::string name = word.substr(0, word.find('='));
    const std::string next = i + 1 < words.size() && !words[i + 1].starts_with("--") ? words[i + 1] : "";
    const std::string value = name.size() < word.size() ? word.substr(name.size() + 1) : next;
    const bool is_unknown = name.starts_with("--") ? !contains(options, name)
                                                   : word.size() == 2 && !option_meant(command, word).empty();
    if (is_unknown) return unknown_option(command, called, name, value);
  }
  // An argument too many is most often what is read, without the option for it.
  const bool lacks_input = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr &&
                           command.get_option_no_throw("--input") != nullptr;
  return printable(error.what()) + (lacks_input ? "; name what is read with --input" : "");
}

std::string unknown_command(const std::string& word, const std::vector<std::string>& known) {
  const std::string near = nearest_word(word, known);
  return "expected a command (" + joined(known) + "), got '" + printable(word) + "'" +
         (near.empty() ? "" : "; did you mean '" + near + "'?");
}

}  // namespace

std::string usage_problem(const CLI::App& app, const CLI::ParseError& error,
                          const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  std::string called = app.get_name(), problem;
  auto word = words.begin();
  for (; word != words.end() && contains(command_names(*command), *word); ++word) {
    command = command->get_subcommand(*word);
    called += " " + *word;
  }
  const auto commands = command_names(*command);
  if (!commands.empty() && word != words.end() && !word->starts_with('-'))
    problem = unknown_command(*word, commands);
  else if (!commands.empty() && word == words.end())
    problem = "expected a command (" + joined(commands) + "), got none";
  else
    problem = problem_of_arguments(*command, called, {word, words.end()}, error);
  return called + ": " + problem + "; `" + called + " --help` shows what it takes";
}

}  // namespace lodestone::commands
