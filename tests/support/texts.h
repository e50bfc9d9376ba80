#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "common/files.h"

/// Text files made by the tests themselves.
namespace lodestone::testing {

/// A temporary folder for text files, removed by the destructor.
class TextFolder {
 public:
  /// Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& content) const {
    const auto path = folder_.path() / name;
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

 private:
  TempFolder folder_;
};

/// The message of the Error that `action` throws.
template <typename Error, typename Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace lodestone::testing
