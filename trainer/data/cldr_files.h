#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace lodestone::data {

/// Reads one of CLDR's XML files and calls `take(value of the attribute, text)` for every element at the
/// XPath that is a primary name: not an alternative form, and not a mark that the name is inherited. The
/// attribute is that of the element or of its parent.
/// Throws    DataError naming the file and, if it is missing, the package to install
void read_cldr(const std::filesystem::path& file, const char* xpath, const char* attribute,
               const std::function<void(const std::string&, const std::string&)>& take);

}  // namespace lodestone::data
