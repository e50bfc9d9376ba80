#pragma once

#include <string_view>

namespace lodestone {

/// A kind of file that users take for safetensors, recognised by its first bytes.
struct FileKind {
  std::string_view begin;
  const char* name;         ///< with its article: "a NumPy array (*.npy)"
  const char* remedy = "";  ///< what to do about it, where it does not depend on what was expected
  bool is_pickle = false;   ///< reading it could run code
};

/// The kind of a file with these bytes; null if it is none of those known, or may be safetensors.
const FileKind* file_kind(std::string_view bytes);

}  // namespace lodestone
