#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lodestone::encoders {

/// SHA-256 of the bytes, hexadecimal, as sha256sum prints it. Equal hashes mean equal files, even against an
/// attacker.
std::string sha256(std::string_view bytes);

/// A file of code or of a program, read whole, so that the bytes that run are those that were hashed.
struct CodeFile {
  std::string bytes;
  std::string hash;
};

/// `what` the file is says the message. Throws DataError if it cannot be read, ConfigError if its hash is not
/// `expected` (empty: any).
CodeFile read_code(const std::filesystem::path& path, const std::string& expected,
                   const std::string& what = "a TorchScript model");

}  // namespace lodestone::encoders
