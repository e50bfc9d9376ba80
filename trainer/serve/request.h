#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::serve {

/// Limits of one request.
struct RequestLimits {
  size_t rows = 64;              ///< images and texts together
  size_t text_bytes = 64 << 10;  ///< of one text
  int64_t answers = 1000;        ///< largest k of a search
};

/// One sample to embed, as the client sent it.
struct RequestInput {
  bool image = false;
  std::string bytes;  ///< an image file, or a text in UTF-8
};

/// The body of /embed, /search and /verify.
struct ServeRequest {
  std::vector<RequestInput> inputs;  ///< images first, then texts, each in the client's order
  int64_t k = 10;
};

/// Parses {"images": [base64, …], "texts": [string, …], "k": 10} from untrusted bytes; refuses unknown keys.
/// Throws    DataError that names the invalid field, or says that there is nothing to embed or too much
ServeRequest parse_request(std::string_view body, const RequestLimits& limits = {});

}  // namespace lodestone::serve
