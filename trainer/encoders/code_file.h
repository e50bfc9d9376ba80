#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lodestone {

/// SHA-256 of the bytes, hexadecimal, as sha256sum prints it: two files of one hash are the same file, malice included.
std::string sha256(std::string_view bytes);

/// A file of code, read whole, so that what is run is what was hashed.
struct CodeFile {
  std::string bytes;
  std::string hash;
};

/// Throws DataError if it can't be read; ConfigError unless its hash is `expected`, where that isn't empty.
CodeFile read_code(const std::filesystem::path& path, const std::string& expected);

}  // namespace lodestone
