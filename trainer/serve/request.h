#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone {

/// What one request may ask for at most.
struct RequestLimits {
  size_t rows = 64;              ///< pictures and texts together
  size_t text_bytes = 64 << 10;  ///< of one text
  int64_t answers = 1000;        ///< k of a search
};

/// One thing to be embedded, as the client sent it.
struct RequestInput {
  bool picture = false;
  std::string bytes;  ///< of a picture file, or of a text in UTF-8
};

/// The body of /embed, /search and /verify.
struct ServeRequest {
  std::vector<RequestInput> inputs;  ///< pictures first, then texts, each in the client's order
  int64_t k = 10;
};

/// Reads {"images": [base64, …], "texts": [string, …], "k": 10}; unknown keys are refused. The bytes are untrusted.
/// Throws    DataError saying which field is wrong, or that there is nothing to embed or too much
ServeRequest parse_request(std::string_view body, const RequestLimits& limits = {});

}  // namespace lodestone
