#pragma once

#include <string>
#include <string_view>

namespace lodestone {

/// A kind of file that users take for safetensors, texts or images that are read, recognised by its first
/// bytes or, before it is opened, by its name.
struct FileKind {
  std::string_view begin = {};  ///< empty: known by its name alone
  const char* name;             ///< with its article: "a NumPy array (*.npy)"
  const char* remedy = "";      ///< what to do about it, where it does not depend on what was expected
  bool is_pickle = false;       ///< reading it could run code
  const char* as_data = "";     ///< what to do about it in the place of texts or images; "": nothing is known
  const char* endings = "";     ///< of names, in small letters, separated by spaces; "": any
};

/// The kind of a file with these bytes; null if it is none of those known, or may be safetensors.
const FileKind* file_kind(std::string_view bytes);

/// The kind of a file in the place of a text: only of files that are no text, since a text may begin with any
/// letters.
const FileKind* kind_of_no_text(std::string_view bytes);

/// The kind of a file with this name, which is not read as data; null if the name does not say it.
const FileKind* kind_of_name(std::string_view name);

/// "a Parquet file; convert it …"; `otherwise` if the bytes are of no known kind.
std::string kind_and_remedy(const FileKind* kind, const std::string& otherwise);

}  // namespace lodestone
