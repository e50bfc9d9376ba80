#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/http/http_server.h"

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

/// What a path takes, besides images, texts and k.
enum class RequestKey { kEncoding, kThumbnails, kName };

/// The body of /embed, /search, /verify, /identify and /enroll.
struct ServeRequest {
  std::vector<RequestInput> inputs;  ///< images first, then texts, each in the client's order
  int64_t k = 10;
  bool base64 = false;      ///< rows in base64 instead of lists
  bool thumbnails = false;  ///< answers with thumbnails
  std::string name;         ///< identity
};

/// Throws    DataError if the answer would have more than 1000 thumbnails
void check_thumbnails(const ServeRequest& request);

/// Reads a request from untrusted bytes, by its Content-Type:
/// application/json           {"images": [base64, …], "texts": [string, …], "k": 10, …}
/// application/octet-stream   an image file
/// multipart/form-data        fields image, text, k, …; image and text may be repeated
/// All keys but images and texts may be in the query instead. Unknown keys, and those that the path does not
/// take, are refused.
/// Throws    DataError that names the invalid field, or says that there is nothing to embed or too much
ServeRequest parse_request(const http::HttpRequest& request, const std::set<RequestKey>& keys = {},
                           const RequestLimits& limits = {});

}  // namespace lodestone::serve
