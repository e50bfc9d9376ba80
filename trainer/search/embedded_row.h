#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lodestone::search {

/// Largest text of a row in bytes; a longer one ends in "…".
inline constexpr size_t kRowTextBytes = 2000;

/// The metadata of an embedded sample.
struct EmbeddedRow {
  std::string id;       ///< location of the sample: a path below the input, "shard.tar!member", "file.tsv:12"
  std::string label{};  ///< name of its class; empty if it has none
  std::string text{};   ///< the text, or the caption of the image, of at most kRowTextBytes; or empty
  /// A small image file (sampler/codecs/thumbnail.h); empty if none is stored. From a file it is untrusted:
  /// check it before it is shown.
  std::string thumbnail{};

  bool operator==(const EmbeddedRow&) const = default;
};

/// An object with id and label, and the text if there is one; without the thumbnail.
nlohmann::json to_json(const EmbeddedRow& row);
/// Reads such an object from an untrusted file; a text that is too long is cut.
/// Throws    DataError that continues "expected embeddings, got "
EmbeddedRow row_from_json(const nlohmann::json& json);

/// One line of a file of rows, with its line end; the thumbnail is in base64. Bytes that are not UTF-8 become
/// U+FFFD.
std::string row_line(const EmbeddedRow& row);
/// Reads such lines from an untrusted file.
/// Throws    as row_from_json
std::vector<EmbeddedRow> rows_of_lines(const std::string& lines);

}  // namespace lodestone::search
