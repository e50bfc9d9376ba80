#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lodestone {

/// The files that a pattern names, in order: braces first ("{000..003}" with the zeros kept, "{a,b}"), each
/// result then as a glob ("*", "?", "[…]"), whose matches are sorted. Throws    ConfigError for an unclosed
/// brace or more than 1,000,000 results; DataError if a result matches no file
std::vector<std::string> expand_paths(const std::string& pattern);

/// Braces alone; "{" without ".." or "," inside is kept as it is.
std::vector<std::string> expand_braces(const std::string& pattern);

/// The paths below the deepest folder that holds all of them, so that names don't depend on where a data set lies. Requires a path.
std::vector<std::string> relative_names(const std::vector<std::string>& paths);

/// Whether a name from a file we were given may stand for something below a folder: relative, without "..", not empty, no address
/// (scheme://…).
bool stays_below(std::string_view name);

/// The same of a row of a list, where "~/x" is no name either: nobody means a folder of that name below the list's folder.
bool is_list_entry(std::string_view name);

/// Such a name in quotes, for a message that it doesn't; of an address with what to do.
std::string name_in_quotes(std::string_view name);

}  // namespace lodestone
