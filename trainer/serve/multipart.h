#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::serve {

/// One part of a form. It refers to the bytes of the body.
struct FormPart {
  std::string name;  ///< of the field
  std::string_view bytes;
};

/// The boundary that a Content-Type of multipart/form-data names.
/// Throws    DataError if there is none, or a malformed one
std::string multipart_boundary(std::string_view content_type);

/// Parses a form (RFC 7578) of untrusted bytes. Names of files and types of parts are ignored: an image says
/// itself what it is. At most `most` parts, each with at most 1 KiB of headers.
/// Requires  the body outlives the result
/// Cost      linear in the bytes
/// Throws    DataError that names the part
std::vector<FormPart> parse_multipart(std::string_view body, std::string_view boundary, size_t most);

}  // namespace lodestone::serve
