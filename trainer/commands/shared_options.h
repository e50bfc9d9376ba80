#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/utf8.h"
#include "trainer/commands/verb.h"

// Arguments that several verbs have. Each is spelled the same and means the same in all of them. --output is
// in output_option.h.

namespace lodestone::commands {

inline constexpr const char* kModelDoc =
    "Run folder, checkpoint, or configuration (YAML) whose encoder has weights";

/// A spelling of an earlier version, which works and which help does not show: its words are those of the
/// option or positional `of`. It takes one word, unless allow_extra_args() is called on what is returned.
/// Requires  it is added before `of`, since values are taken in the order in which options were added
inline CLI::Option* add_old_spelling(CLI::App* command, const std::string& spelling, const std::string& of) {
  return command
      ->add_option_function<std::vector<std::string>>(
          spelling,
          [command, of](const std::vector<std::string>& words) {
            command->get_option(of)->add_result(words);
          },
          "Earlier spelling of " + of)
      ->allow_extra_args(false)
      ->group("");
}

/// MODEL, the first argument: the model that the verb uses (run::kind_of_model).
template <typename Member>
CLI::Option* add_model(CLI::App* command, Member& member) {
  add_old_spelling(command, "--checkpoint", "model");
  return add_path(command, "model", member, kModelDoc);
}

/// --gallery of verbs that take any embeddings.
inline constexpr const char* kSearchedDoc =
    "Embeddings to search, as `lodestone embed` or `lodestone gallery add` writes them (*.safetensors)";

/// --gallery of verbs that take identities.
inline constexpr const char* kGalleryDoc =
    "Gallery of identities, as `lodestone gallery add` writes it (*.safetensors)";

/// --gallery: embeddings, or a gallery of identities, that the verb searches or changes.
template <typename Member>
CLI::Option* add_gallery(CLI::App* command, Member& member, const std::string& doc) {
  return add_path(command, "--gallery", member, doc)->required();
}

/// Refuses an empty word, such as that of a shell's variable that is not set.
inline std::string not_empty(const std::string& word) {
  return is_blank(word) ? "expected a path or a text, got an empty one" : "";
}

/// --input: what the verb reads.
template <typename Member>
CLI::Option* add_input(CLI::App* command, Member& member, const std::string& doc) {
  return add_path(command, "--input", member, doc)->check(not_empty);
}

}  // namespace lodestone::commands
