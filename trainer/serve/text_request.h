#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "trainer/http/http_server.h"

namespace lodestone::serve {

/// A text, or its ids by the model's tokenizer, with the begin and end tokens.
using TextInput = std::variant<std::string, std::vector<int64_t>>;

/// A request to embed texts, in the forms of other servers.
struct TextRequest {
  std::vector<TextInput> inputs;
  std::string model;       ///< OpenAI: what is asked for
  int64_t dimensions = 0;  ///< OpenAI: how many numbers of each row are kept; 0: all
  bool base64 = false;     ///< OpenAI: rows in base64
  bool normalize = true;   ///< TEI: rows of unit length
  bool truncate = false;   ///< TEI: longer texts are cut
};

/// Limits of one such request.
struct TextRequestLimits {
  size_t inputs = 2048;          ///< OpenAI's
  size_t text_bytes = 64 << 10;  ///< of one text
  size_t tokens = 300'000;       ///< ids in all; OpenAI's
};

/// Reads a request of OpenAI's POST /v1/embeddings from untrusted bytes:
/// {"model": …, "input": text | [text, …] | [id, …] | [[id, …], …], "encoding_format", "dimensions", "user"}.
/// `user` has no effect, as there.
/// Throws    DataError that begins with the invalid key
TextRequest parse_openai(const http::HttpRequest& request, const TextRequestLimits& limits = {});

/// Whether a request to /embed may be one of TEI; cheap, and true of each that writes its key without
/// escapes.
bool may_be_tei(const http::HttpRequest& request);

/// Reads a body of POST /embed in the form of Hugging Face's text-embeddings-inference (TEI):
/// {"inputs": as OpenAI's input, "normalize", "truncate"}. Unset if it has no key `inputs`.
/// Throws    DataError that begins with the invalid key
std::optional<TextRequest> parse_tei(const http::HttpRequest& request, const TextRequestLimits& limits = {});

}  // namespace lodestone::serve
