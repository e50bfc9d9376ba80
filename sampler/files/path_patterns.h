#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lodestone::sampler {

/// Expands a pattern to the files it names, in order: first braces ("{000..003}", keeping the zeros,
/// "{a,b}"), then each result as a glob ("*", "?", "[…]"), whose matches are sorted.
/// Throws    ConfigError for an unclosed brace or more than 1,000,000 results; DataError if a result matches
///           no file.
std::vector<std::string> expand_paths(const std::string& pattern);

/// Expands braces only; "{" without ".." or "," inside stays as it is.
std::vector<std::string> expand_braces(const std::string& pattern);

/// The paths relative to their deepest common folder, so that names do not depend on where a data set is
/// stored. Requires at least one path.
std::vector<std::string> relative_names(const std::vector<std::string>& paths);

/// Whether an untrusted name may stand for something below a folder: relative, without "..", not empty, no
/// address (scheme://…).
bool stays_below(std::string_view name);

/// The same for a row of a list, which may not begin with "~/" either: nobody means a folder "~" below the
/// list's folder.
bool is_list_entry(std::string_view name);

/// The name in quotes for an error message that refuses it; for an address, with the next step.
std::string name_in_quotes(std::string_view name);

}  // namespace lodestone::sampler
