#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace lodestone {

/// Reads one of CLDR's XML files and calls `take(value of the attribute, text)` for every element at the XPath that is a name
/// of its own: not an alternative form, not a mark that says the name is inherited. The attribute is the element's or its
/// parent's.
/// Throws    DataError naming the file and, if it is missing, the package to install
void read_cldr(const std::filesystem::path& file, const char* xpath, const char* attribute,
               const std::function<void(const std::string&, const std::string&)>& take);

}  // namespace lodestone
