#pragma once

#include <string>

#include "trainer/http/http_server.h"
#include "trainer/serve/input_embedder.h"
#include "trainer/serve/live_model.h"
#include "trainer/serve/text_request.h"

namespace lodestone::serve {

/// An error as OpenAI's clients read it: {"error": {"message", "type", "param", "code"}}.
http::HttpAnswer openai_error(int status, const std::string& what);

/// The paths that speak for clients of other servers of text embeddings: OpenAI's, and
/// text-embeddings-inference (TEI).
/// Requires  the arguments outlive the object
/// Threads   safe concurrently
class TextPaths {
 public:
  TextPaths(LiveModel& live, InputEmbedder& embedder) : live_(live), embedder_(embedder) {}

  /// The answer of POST /v1/embeddings.
  /// Throws    DataError; NotFoundError if another model is asked for; OverloadError
  http::HttpAnswer embeddings(const http::HttpRequest& request) const;
  /// The answer of GET /v1/models.
  http::HttpAnswer models() const;
  /// The answer of POST /embed to a request of TEI: a list of rows.
  /// Throws    DataError; OverloadError
  http::HttpAnswer embed(TextRequest request) const;

 private:
  /// Rows, and how many tokens they are of.
  struct Embedded {
    at::Tensor z_nD;
    int64_t tokens = 0;
  };

  Embedded rows_of(const ServedState& state, TextRequest& request, const char* key) const;

  LiveModel& live_;
  InputEmbedder& embedder_;
};

}  // namespace lodestone::serve
