#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/fields.h"

namespace lodestone::commands {

/// Adds an option whose value is the name of one of `choices`, and sets `member` to what it stands for.
template <typename Enum, size_t n>
CLI::Option* add_choice(CLI::App* command, const std::string& name, Enum& member,
                        const Choice<Enum> (&choices)[n], const std::string& doc) {
  std::vector<std::string> names;
  for (const Choice<Enum>& choice : choices) names.emplace_back(choice.name);
  return command
      ->add_option_function<std::string>(
          name, [&](const std::string& value) { member = *choice_named(value, choices); }, doc)
      ->check(CLI::IsMember(names));
}

/// The same with the present value of `member` as the default that the help shows.
template <typename Enum, size_t n>
CLI::Option* add_defaulted_choice(CLI::App* command, const std::string& name, Enum& member,
                                  const Choice<Enum> (&choices)[n], const std::string& doc) {
  return add_choice(command, name, member, choices, doc)->default_str(choice_name(member, choices));
}

}  // namespace lodestone::commands
